<#
.SYNOPSIS
Makes an External switch on this PC, keeps its network as it was, and takes the switch away again unless confirmed.
.DESCRIPTION
New-LabSwitch.ps1 lays this script and switch.json into a folder and lets Windows run it, as SYSTEM, now and at every
start until it has ended. Windows moves the adapter's addresses to the switch's own adapter by itself; what got lost is
put back. README.md in this folder describes the states in switch-state.json.
.PARAMETER Folder
Where switch.json lies.
#>
[CmdletBinding()]
param([Parameter(Mandatory = $true)] [string] $Folder)
$ErrorActionPreference = 'Stop'

$wanted = ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$Folder\switch.json" -Raw -Encoding UTF8)
$invariant = [Globalization.CultureInfo]::InvariantCulture
$form = "yyyy-MM-dd'T'HH:mm:ss'Z'"
$deadline = [DateTime]::ParseExact($wanted.deadline, $form, $invariant, 'AssumeUniversal').ToUniversalTime()
$tries = 5

# In one step: whoever reads it finds a whole file.
function Set-State {
    param([string] $State, [string[]] $Reached, [string] $Problem)
    $now = @{ state = $State; reached = @($Reached | Where-Object { $_ }); problem = $Problem }
    Set-Content -LiteralPath "$Folder\switch-new.json" -Encoding UTF8 -Value (ConvertTo-Json -InputObject $now)
    Move-Item -LiteralPath "$Folder\switch-new.json" -Destination "$Folder\switch-state.json" -Force
}

function Wait-Until {
    param([int] $Seconds, [scriptblock] $Test)
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while (-not (& $Test) -and [DateTime]::UtcNow -lt $end) { Start-Sleep -Milliseconds 500 }
}

# By name and Notes: nobody else's switch is ever taken for it.
function Get-Own {
    Get-VMSwitch | Where-Object { $_.Name -eq $wanted.name -and $_.Notes -eq $wanted.notes }
}

function Get-Index {
    param([string] $Name)
    $nic = @(Get-NetAdapter | Where-Object { $_.Name -eq $Name })[0]
    if (-not $nic) { Write-Error -Message "there is no network adapter $Name" -ErrorId LabNoAdapter }
    [uint32]$nic.InterfaceIndex
}

function Get-Address {
    param([uint32] $Index)
    @(Get-NetIPAddress -InterfaceIndex $Index -AddressFamily IPv4 -ErrorAction SilentlyContinue |
            ForEach-Object { "$($_.IPAddress)" })
}

function Get-Dns {
    param([uint32] $Index)
    "$((Get-DnsClientServerAddress -InterfaceIndex $Index -AddressFamily IPv4).ServerAddresses)"
}

function Restore-Address {
    param([uint32] $Index)
    foreach ($one in $wanted.before.addresses) {
        Wait-Until -Seconds 5 -Test { (Get-Address -Index $Index) -contains $one.address }
        if ((Get-Address -Index $Index) -notcontains $one.address) {
            [void](New-NetIPAddress -InterfaceIndex $Index -IPAddress $one.address -PrefixLength $one.prefix)
        }
    }
    foreach ($hop in $wanted.before.gateways) {
        $routes = @(Get-NetRoute -InterfaceIndex $Index -DestinationPrefix '0.0.0.0/0' -ErrorAction SilentlyContinue)
        if (-not ($routes | Where-Object { "$($_.NextHop)" -eq $hop })) {
            [void](New-NetRoute -InterfaceIndex $Index -DestinationPrefix '0.0.0.0/0' -NextHop $hop)
        }
    }
}

function Restore-Network {
    param([uint32] $Index)
    if ($wanted.before.dhcp) {
        Set-NetIPInterface -InterfaceIndex $Index -Dhcp Enabled
        Wait-Until -Seconds 30 -Test { @(Get-Address -Index $Index | Where-Object { $_ -notlike '169.254.*' }).Count }
    } else { Restore-Address -Index $Index }
    if (-not $wanted.before.dns) { return }
    Wait-Until -Seconds 5 -Test { (Get-Dns -Index $Index) -eq "$($wanted.before.dns)" }
    if ((Get-Dns -Index $Index) -ne "$($wanted.before.dns)") {
        Set-DnsClientServerAddress -InterfaceIndex $Index -ServerAddresses $wanted.before.dns
    }
}

# A new adapter may come up as Public, whose firewall is shut; Windows decides after some seconds, so this is repeated.
function Restore-Category {
    param([uint32] $Index)
    $lan = @(Get-NetConnectionProfile -InterfaceIndex $Index -ErrorAction SilentlyContinue)[0]
    if ($lan -and $wanted.before.profile -eq 'Private' -and "$($lan.NetworkCategory)" -eq 'Public') {
        Set-NetConnectionProfile -InterfaceIndex $Index -NetworkCategory Private
    }
}

# Whoever has an address answers ARP, whatever its firewall eats.
function Get-Reached {
    param([uint32] $Index)
    $filter = 'Timeout = 500 AND (' + (@($wanted.peers | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
    [void]@(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter)
    Get-NetNeighbor -InterfaceIndex $Index | Where-Object { $wanted.peers -contains "$($_.IPAddress)" -and
        @('Unreachable', 'Incomplete', 'Permanent') -notcontains "$($_.State)" } | ForEach-Object { "$($_.IPAddress)" }
}

function Undo-Switch {
    param([string] $Problem)
    for ($try = 1; $true; $try++) {
        try {
            $own = @(Get-Own)
            if ($own) { Remove-VMSwitch -VMSwitch $own -Force }
            $index = Get-Index -Name $wanted.adapter
            Restore-Network -Index $index
            Restore-Category -Index $index
            return Set-State -State 'rolled back' -Problem $Problem
        } catch {
            Set-State -State 'failed' -Problem "$Problem; and rolling back: $_"
            if ($try -eq $tries) { throw }
            Start-Sleep -Seconds 3
        }
    }
}

function Complete-Switch {
    if (-not @(Get-Own)) {
        if ([DateTime]::UtcNow -ge $deadline) { return Undo-Switch -Problem 'the PC was restarted meanwhile' }
        Set-State -State 'begun'
        Start-Sleep -Seconds 2  # the answer to whoever began this has to leave while there is a network
        [void](New-VMSwitch -Name $wanted.name -NetAdapterName $wanted.adapter -AllowManagementOS $true `
                -Notes $wanted.notes)
    }
    $index = Get-Index -Name "vEthernet ($($wanted.name))"
    Restore-Network -Index $index
    while (-not (Test-Path -LiteralPath "$Folder\switch-confirmed.json")) {
        if ([DateTime]::UtcNow -ge $deadline) { return Undo-Switch -Problem 'nobody confirmed in time' }
        Restore-Category -Index $index
        Set-State -State 'made' -Reached @(Get-Reached -Index $index)
        Start-Sleep -Milliseconds 500
    }
    Set-State -State 'kept'
}

$last = try { ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$Folder\switch-state.json" -Raw -Encoding UTF8) }
catch { $null }  # none yet
if ($last.state -ne 'rolled back') {
    try { Complete-Switch } catch { Undo-Switch -Problem "$_" }
}
# Only here: after a failure Windows runs this again at its next start.
Unregister-ScheduledTask -TaskName 'hyperv-k8s-lab-switch' -Confirm:$false
