<#
.SYNOPSIS
Reads what only a check asks of a PC: how it was prepared, and who else is on its LAN; changes nothing.
.DESCRIPTION
It takes seconds, and what cannot be told is null or an empty list: it keeps nothing else from being told. README.md in this
folder describes the answer.
.PARAMETER Lab
The lab's name.
.PARAMETER LabPath
The lab's folder on this host.
.PARAMETER Probe
IPv4 addresses to call before the table of neighbours is read, so that whoever has one of them stands in it.
.EXAMPLE
.\Get-LabReadiness.ps1 -Lab lab-7e57 -LabPath C:\Lab\lab-7e57 -Probe 192.0.2.100 | ConvertTo-Json -Depth 6
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $LabPath,
    [string[]] $Probe
)
$ErrorActionPreference = 'Stop'

# By the SID of the integrity level (high, system): an administrator whose rights were filtered has the medium one.
function Test-FullRight {
    @(whoami.exe /groups /fo csv /nh | Where-Object { "$_" -match 'S-1-16-(12288|16384)\b' }).Count -gt 0
}

function Get-SleepTime {
    $power = @{ Namespace = 'root/cimv2/power' }  # by ids (STANDBYIDLE of winnt.h): the names are translated
    $plan = @(Get-CimInstance @power -ClassName Win32_PowerPlan | Where-Object { $_.IsActive })[0]
    $own = "$($plan.InstanceID)".Split('\')[-1] + '\AC\{29f6c1db-86da-48c5-9fdb-f2b67b1f44da}'
    $all = Get-CimInstance @power -ClassName Win32_PowerSettingDataIndex
    [int]@($all | Where-Object { "$($_.InstanceID)".EndsWith($own) })[0].SettingIndexValue
}

# The classes themselves: the module Storage takes seconds to load. A disk's number is its DeviceId, unless it is pooled.
function Get-Medium {
    $storage = @{ Namespace = 'root/Microsoft/Windows/Storage' }
    $drive = @(Get-CimInstance @storage -ClassName MSFT_Partition |
            Where-Object { "$($_.DriveLetter)" -eq $LabPath[0] })[0]
    $disk = @(Get-CimInstance @storage -ClassName MSFT_PhysicalDisk |
            Where-Object { $drive -and "$($_.DeviceId)" -eq "$($drive.DiskNumber)" })[0]
    @{ 3 = 'HDD'; 4 = 'SSD'; 5 = 'SCM' }[[int]$disk.MediaType]
}

function Get-FileSystem {
    @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($LabPath.Substring(0, 2))'")[0].FileSystem
}

# Files that are made there take it over from their folder, and it from the next one above that is there.
function Test-Packed {
    for ($place = $LabPath; -not (Test-Path -LiteralPath $place); $place = Split-Path -Path $place -Parent) { continue }
    "$((Get-ItemProperty -LiteralPath $place).Attributes)" -match 'Compressed|Encrypted'
}

function Get-Profile {
    foreach ($one in @(Get-NetConnectionProfile)) {
        @{ index = [int]$one.InterfaceIndex; category = "$($one.NetworkCategory)" }
    }
}

# A rule's text as a table of lists: 'v2.33|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5986|RA4=LocalSubnet|...|'
# (Microsoft GPFAS 2.2.2). What may stand several times does; what does not stand there is not restricted.
function ConvertFrom-Rule {
    param([string] $Text)
    $told = @{}
    foreach ($part in $Text.Split('|')) {
        $key, $value = $part.Split([char[]]'=', 2)
        $told[$key] = @($told[$key]) + $value | Where-Object { $_ }
    }
    $told
}

# From where Windows keeps them: to list a thousand rules by Get-NetFirewallRule takes most of a minute, and as long again
# for each of its filters.
function Get-WinRmRule {
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules'
    foreach ($one in (Get-ItemProperty -LiteralPath $key).PSObject.Properties) {
        if ("$($one.Value)" -notmatch '\|LPort=(5985|5986)\|') { continue }
        $rule = ConvertFrom-Rule -Text $one.Value
        if ("$($rule.Protocol)" -ne '6') { continue }
        $from = @('RA4', 'RA42', 'RA6', 'RA62' | ForEach-Object { $rule[$_] } | Where-Object { $_ } |
                ForEach-Object { $_ -replace '^internet$', 'Internet' } | Select-Object -Unique)  # kept as IntErnet
        @{ name = $one.Name; public = -not $rule.Profile -or $rule.Profile -contains 'Public'
            opens = "$($rule.Active) $($rule.Dir) $($rule.Action)" -eq 'TRUE In Allow'
            from = @(if ($from) { $from } else { 'Any' }) }
    }
}

# Members of a network bridge or a team: what is above them has the address, and no switch can be bound to them.
function Get-Bridged {
    Get-NetAdapterBinding | Where-Object { "$($_.ComponentID)" -eq 'ms_implat' -and $_.Enabled } |
        ForEach-Object { "$($_.Name)" }
}

function Get-Nat {
    foreach ($one in @(Get-NetNat)) {
        @{ name = "$($one.Name)"; cidr = "$($one.InternalIPInterfaceAddressPrefix)" }
    }
}

function Get-Neighbour {
    # One after the other they are called: of many each is waited for less, nine seconds for all. (0.3 s, at least 0.1)
    $patience = [Math]::Max(100, [Math]::Min(300, [int](9000 / [Math]::Max(1, @($Probe).Count))))
    $filter = "Timeout = $patience AND (" + (@($Probe | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
    # Who has an address answers ARP even where a firewall eats the ping; a ping that fails proves nothing.
    try { if ($Probe) { [void]@(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter) } } catch { $filter = '' }
    @(Get-NetNeighbor) | Where-Object { "$($_.IPAddress)".Contains('.') -and "$($_.State)" -ne 'Unreachable' } |
        ForEach-Object { @{ address = "$($_.IPAddress)"; mac = "$($_.LinkLayerAddress)" -replace '-', '' } }
}

function Get-Tag {
    param([object[]] $Setting, [string] $Id)
    foreach ($one in @($Setting | Where-Object { "$($_.OperationMode)" -eq 'Access' })) {
        @{ vm = $Id; adapter = "$($one.ParentAdapter.Name)"; switch = "$($one.ParentAdapter.SwitchName)"
            vlan = [int]$one.AccessVlanId }
    }
}

function Get-OtherTag {
    $quiet = @{ ErrorAction = 'SilentlyContinue' }  # no adapter at all is an error
    Get-Tag -Setting @(Get-VMNetworkAdapterVlan -ManagementOS @quiet) -Id ''
    foreach ($vm in @(Get-VM | Where-Object { -not "$($_.Notes)".Contains("`"$Lab`"") })) {
        Get-Tag -Setting @(Get-VMNetworkAdapterVlan -VM $vm @quiet) -Id "$($vm.Id)".ToLowerInvariant()
    }
}

# A list of what is told; empty when it cannot be.
function Get-Told {
    param([scriptblock] $Read)
    try { & $Read } catch { return }
}

$found = @{ probed = [bool]$Probe; neighbours = @(Get-Told -Read { Get-Neighbour })
    profiles = @(Get-Told -Read { Get-Profile }); rules = @(Get-Told -Read { Get-WinRmRule })
    bridged = @(Get-Told -Read { Get-Bridged }); vlans = @(Get-Told -Read { Get-OtherTag })
    nats = @(Get-Told -Read { Get-Nat }) }
$found.full_rights = try { Test-FullRight } catch { $null }
$found.file_system = try { Get-FileSystem } catch { $null }
$found.packed = try { Test-Packed } catch { $null }
$found.media = try { Get-Medium } catch { $null }
$found.sleep_s = try { Get-SleepTime } catch { $null }
$answer = @{ changed = $false; readiness = $found }
$found.time = [DateTime]::UtcNow.ToString('s') + 'Z'  # later than Get-LabHost's, which comes in the same command
$answer
