<#
.SYNOPSIS
Makes an External switch on this PC, or takes one away, and keeps the PC's network as it was.
.DESCRIPTION
New-LabSwitch.ps1 or Remove-LabSwitch.ps1 lays this script and switch.json into a folder and lets Windows run it, as
SYSTEM, now and at every start until it has ended. Windows moves the adapter's addresses to the switch's own adapter, and
back, by itself; what got lost is put back. A switch that nobody confirms is taken away at the deadline and not before:
what fails until then is tried again. README.md in this folder describes the states in switch-state.json.
.PARAMETER Folder
Where switch.json lies.
#>
[CmdletBinding()]
param([Parameter(Mandatory = $true)] [string] $Folder)
$ErrorActionPreference = 'Stop'
$PSDefaultParameterValues['*-Net*:ErrorAction'] = 'Stop'  # these are functions of modules, which do not see the above
$PSDefaultParameterValues['*-Dns*:ErrorAction'] = 'Stop'

$wanted = ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$Folder\switch.json" -Raw -Encoding UTF8)
$invariant = [Globalization.CultureInfo]::InvariantCulture
$form = "yyyy-MM-dd'T'HH:mm:ss'Z'"
$deadline = [DateTime]::ParseExact($wanted.deadline, $form, $invariant, 'AssumeUniversal').ToUniversalTime()
$limit = $deadline  # of every wait
$undoFor = 600  # seconds

# In one step: whoever reads it finds a whole file. What cannot be told (a full disk) keeps nothing from being done.
function Set-State {
    param([string] $State, [string[]] $Reached, [string] $Problem)
    $now = @{ state = $State; reached = @($Reached | Where-Object { $_ }); problem = $Problem }
    try {
        Set-Content -LiteralPath "$Folder\switch-new.json" -Encoding UTF8 -Value (ConvertTo-Json -InputObject $now)
        Move-Item -LiteralPath "$Folder\switch-new.json" -Destination "$Folder\switch-state.json" -Force
    } catch { return }
}

function Test-Confirmed { Test-Path -LiteralPath "$Folder\switch-confirmed.json" }

function Wait-Until {
    param([int] $Seconds, [scriptblock] $Test)
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    if ($end -gt $limit) { $end = $limit }
    while (-not (& $Test) -and [DateTime]::UtcNow -lt $end) { Start-Sleep -Milliseconds 500 }
}

# By name and Notes: nobody else's switch is ever taken for it. Without a network the PC may not find its own name, which
# Hyper-V's cmdlets look up unless they are told another.
function Get-Own {
    Get-VMSwitch -ComputerName localhost | Where-Object { $_.Name -eq $wanted.name -and $_.Notes -eq $wanted.notes }
}

function Get-Index {
    param([string] $Id, [string] $Name)
    $nic = @(Get-NetAdapter | Where-Object { $Id -and "$($_.InterfaceGuid)".Trim('{}') -eq $Id.Trim('{}') })[0]
    if (-not $nic) { Write-Error -Message "there is no network adapter $Name" -ErrorId LabNoAdapter }
    [uint32]$nic.InterfaceIndex
}

# The PC's own adapter on the switch, which Windows installs after the switch was made: by its id, since its name gets a
# number where an earlier one has left a trace.
function Get-OwnIndex {
    $own = @(Get-VMNetworkAdapter -ManagementOS -ComputerName localhost |
            Where-Object { $_.SwitchName -eq $wanted.name -and $_.Name -eq $wanted.name })[0]
    Get-Index -Id "$($own.DeviceId)" -Name "vEthernet ($($wanted.name))"
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

# Windows takes a new network for a public one, whose firewall is shut, and lets nobody say otherwise before it has
# identified it; of some it never does. So this is repeated, and is no reason to take a switch away. Whether it is done.
function Restore-Category {
    param([uint32] $Index)
    if ($wanted.before.profile -ne 'Private') { return $true }
    try {
        $lan = @(Get-NetConnectionProfile -InterfaceIndex $Index -ErrorAction SilentlyContinue)[0]
        if ($lan -and "$($lan.NetworkCategory)" -eq 'Public') {
            Set-NetConnectionProfile -InterfaceIndex $Index -NetworkCategory Private
        }
        [bool]$lan
    } catch { $false }
}

# Whoever has an address answers ARP, whatever its firewall eats.
function Get-Reached {
    param([uint32] $Index)
    $filter = 'Timeout = 500 AND (' + (@($wanted.peers | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
    [void]@(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter)
    Get-NetNeighbor -InterfaceIndex $Index -ErrorAction SilentlyContinue |
        Where-Object { $wanted.peers -contains "$($_.IPAddress)" -and
            @('Unreachable', 'Incomplete', 'Permanent') -notcontains "$($_.State)" } |
        ForEach-Object { "$($_.IPAddress)" }
}

# Packets that the switch joins (RSC) ruin VXLAN between virtual machines of two PCs. Windows before 1809 joins none, and
# does not know the parameter.
function Disable-Rsc {
    try {
        foreach ($own in @(Get-Own)) {
            Set-VMSwitch -VMSwitch $own -EnableSoftwareRsc $false  # pslint: ignore UnknownParameter
        }
    } catch { return }
}

# It stays; what Windows is still identifying may get its profile a little later.
function Save-Switch {
    param([uint32] $Index)
    Set-State -State 'kept'
    $script:limit = [DateTime]::UtcNow.AddSeconds(30)
    Wait-Until -Seconds 30 -Test { Restore-Category -Index $Index }
}

# Makes the switch and waits for its confirmation; returns why it is not to stay, nothing when it stays.
function Complete-Switch {
    Set-State -State 'begun'
    Start-Sleep -Seconds 2  # the answer to whoever began this has to leave while there is a network
    $refused = 0
    $restored = $false
    $problem = 'nobody confirmed in time'
    $minute = [DateTime]::UtcNow.AddSeconds(60)
    if ((Test-Confirmed) -and $limit -lt $minute) { $script:limit = $minute }  # the PC was restarted after that
    while ([DateTime]::UtcNow -lt $limit) {
        try {
            if (-not @(Get-Own)) {
                $refused++
                $restored = $false
                [void](New-VMSwitch -Name $wanted.name -NetAdapterName $wanted.adapter -AllowManagementOS $true `
                        -Notes $wanted.notes -ComputerName localhost)
                $refused = 0
            }
            $index = Get-OwnIndex
            if (-not $restored) {
                Disable-Rsc
                Restore-Network -Index $index
                $restored = $true
            }
            [void](Restore-Category -Index $index)
            if (Test-Confirmed) { return Save-Switch -Index $index }
            Set-State -State 'made' -Reached @(Get-Reached -Index $index)
            $problem = 'nobody confirmed in time'
        } catch {
            $problem = "$_"
            if ($refused -eq 3) { break }  # it will be refused again, and without a switch there is nothing to wait for
            Start-Sleep -Seconds 2
        }
        Start-Sleep -Milliseconds 500
    }
    $problem
}

# A PC without its network is the worst that can come of this, so this is tried for ten minutes, and at each start.
function Undo-Switch {
    param([string] $Problem)
    $script:limit = [DateTime]::UtcNow.AddSeconds($undoFor)
    Set-State -State 'rolling back' -Problem $Problem
    while ($true) {
        try {
            foreach ($own in @(Get-Own)) { Remove-VMSwitch -VMSwitch $own -Force }
            $index = Get-Index -Id $wanted.adapter_id -Name $wanted.adapter
            Restore-Network -Index $index
            Wait-Until -Seconds 30 -Test { Restore-Category -Index $index }
            return Set-State -State $undone -Problem $Problem
        } catch {
            $both = "$Problem; and rolling back: $_"
            if ([DateTime]::UtcNow -ge $limit) {
                Set-State -State 'failed' -Problem $both
                throw
            }
            Set-State -State 'rolling back' -Problem $both
            Start-Sleep -Seconds 3
        }
    }
}

$undone = if ($wanted.remove) { 'removed' } else { 'rolled back' }
$last = try { ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$Folder\switch-state.json" -Raw -Encoding UTF8) }
catch { $null }  # none yet
if ($last.state -ne $undone) {
    $problem = if ($wanted.remove) {
        Start-Sleep -Seconds 2  # as above
        'it was asked for'
    } else {
        try { Complete-Switch } catch { "$_" }
    }
    if ($problem) { Undo-Switch -Problem $problem }
}
# Only here: after a failure Windows runs this again at its next start.
Unregister-ScheduledTask -TaskName 'hyperv-k8s-lab-switch' -Confirm:$false
