<#
.SYNOPSIS
Makes the lab's virtual switches on one PC; an External one by a task, since the PC's network pauses meanwhile.
.DESCRIPTION
README.md in this folder describes VirtualSwitch and the answer. Only switches that are missing are made, and none that
somebody else made is changed. The task runs Invoke-LabSwitch.ps1 as SYSTEM, also after a restart of the PC; its files
lie in Program Files, where nobody but an administrator may write.
.PARAMETER Lab
The lab's name.
.PARAMETER VirtualSwitch
The switches.
.PARAMETER Peer
IPv4 addresses of others on that LAN, besides the PC's gateway: one of them has to answer, before and after.
.PARAMETER Seconds
After so many without a confirmation the PC takes the switch away again.
.PARAMETER Program
The text of Invoke-LabSwitch.ps1.
.EXAMPLE
.\New-LabSwitch.ps1 -Lab lab-7e57 -VirtualSwitch (Get-Content .\switches.json -Raw | ConvertFrom-Json) `
    -Peer 192.0.2.12 -Seconds 180 -Program (Get-Content .\Invoke-LabSwitch.ps1 -Raw)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $VirtualSwitch,
    [string[]] $Peer,
    [Parameter(Mandatory = $true)] [int] $Seconds,
    [string] $Program
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

# A ping that a firewall eats proves nothing; who has an address answers ARP all the same.
function Test-Peer {
    param([uint32] $Index, [string[]] $Address)
    $filter = 'Timeout = 500 AND (' + (@($Address | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
    try { [void]@(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter) } catch { return $false }
    @(Get-NetNeighbor -InterfaceIndex $Index -ErrorAction SilentlyContinue |
            Where-Object { $Address -contains "$($_.IPAddress)" -and
                @('Unreachable', 'Incomplete', 'Permanent') -notcontains "$($_.State)" }).Count -gt 0
}

# Returns what was laid down.
function Start-Making {
    param([object] $Wanted)
    $nic = @(Get-NetAdapter | Where-Object { "$($_.InterfaceGuid)".Trim('{}') -eq $Wanted.adapter_id })[0]
    if (-not $nic) { Write-Error -Message "no network adapter $($Wanted.adapter_id)" -ErrorId LabNoAdapter }
    $before = Get-LabNetwork -Index $nic.InterfaceIndex
    $peers = @(@($Peer) + @($before.gateways) | Where-Object { $_ } | Select-Object -Unique)
    if (-not $peers -or -not (Test-Peer -Index $nic.InterfaceIndex -Address $peers)) {
        Write-Error -Message "nobody answers on $($nic.Name) (asked: $peers)" -ErrorId LabNobodyAnswers
    }
    $operation = @{ lab = $Lab; name = $Wanted.name; notes = $Wanted.notes; before = $before; peers = $peers
        adapter = $nic.Name; adapter_id = $Wanted.adapter_id }
    Start-LabSwitch -Operation $operation -Seconds $Seconds -Program $Program
    $operation
}

# The PC is the gateway of an Internal switch and translates addresses for it; Windows carries one such network.
function Enable-Nat {
    param([object] $Wanted)
    $nic = Wait-LabAdapter -Name $Wanted.name
    $there = @(Get-NetIPAddress -InterfaceIndex $nic.InterfaceIndex -ErrorAction SilentlyContinue |
            Where-Object { "$($_.IPAddress)" -eq $Wanted.gateway })
    if (-not $there) {
        [void](New-NetIPAddress -InterfaceIndex $nic.InterfaceIndex -IPAddress $Wanted.gateway `
                -PrefixLength $Wanted.prefix)
        'address'
    }
    $others = @(Get-NetNat | Where-Object { "$($_.InternalIPInterfaceAddressPrefix)" -ne $Wanted.cidr })
    if ($others) { Write-Error -Message "this PC translates for $($others[0].Name) already" -ErrorId LabNatTaken }
    if (-not @(Get-NetNat)) {
        [void](New-NetNat -Name $Lab -InternalIPInterfaceAddressPrefix $Wanted.cidr)
        'nat'
    }
}

$answers = foreach ($wanted in $VirtualSwitch) {
    $named = @(Get-VMSwitch | Where-Object { $_.Name -eq $wanted.name })
    $begun = if (-not $named -and $wanted.type -eq 'External') { Start-Making -Wanted $wanted }
    $done = @(
        if ($begun) { 'begun' }
        elseif (-not $named) {
            [void](New-VMSwitch -Name $wanted.name -SwitchType $wanted.type -Notes $wanted.notes)
            'switch'
        }
        if ($wanted.cidr -and (-not $named -or "$($named[0].Notes)" -eq $wanted.notes)) { Enable-Nat -Wanted $wanted }
    )
    @{ name = $wanted.name; changed = $done; adapter = "$($begun.adapter)"; before = $begun.before }
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; switches = @($answers) }
