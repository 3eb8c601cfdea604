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

$winrm = '5985', '5986'

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

function Get-Profile {
    foreach ($one in @(Get-NetConnectionProfile)) {
        @{ index = [int]$one.InterfaceIndex; category = "$($one.NetworkCategory)" }
    }
}

# A rule, its ports and its addresses are three objects with one InstanceID; asking for each by association takes long.
function Get-WinRmRule {
    $ids = @(Get-NetFirewallPortFilter -Protocol TCP |
            Where-Object { @($_.LocalPort | Where-Object { $winrm -contains $_ }) } | ForEach-Object { $_.InstanceID })
    $from = @{}
    Get-NetFirewallAddressFilter | Where-Object { $ids -contains $_.InstanceID } |
        ForEach-Object { $from["$($_.InstanceID)"] = @($_.RemoteAddress | ForEach-Object { "$_" }) }
    foreach ($one in @(Get-NetFirewallRule | Where-Object { $ids -contains $_.InstanceID })) {
        $opens = "$($one.Enabled)" -eq 'True' -and "$($one.Direction)" -eq 'Inbound' -and "$($one.Action)" -eq 'Allow'
        @{ name = "$($one.InstanceID)"; opens = $opens; public = "$($one.Profile)" -match 'Any|Public'
            from = @($from["$($one.InstanceID)"]) }
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
    $filter = 'Timeout = 300 AND (' + (@($Probe | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
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
$found.media = try { Get-Medium } catch { $null }
$found.sleep_s = try { Get-SleepTime } catch { $null }
$answer = @{ changed = $false; readiness = $found }
$answer
