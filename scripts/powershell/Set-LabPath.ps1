<#
.SYNOPSIS
Gives this PC an adapter of its own on the lab's networks for a moment, or takes those away again.
.DESCRIPTION
They are named after the lab; those that an earlier call left are taken away first. A firewall rule lets the other PCs
ping them. README.md in this folder describes Path.
.PARAMETER Lab
The lab's name.
.PARAMETER Path
The adapters; none: only take away.
.EXAMPLE
.\Set-LabPath.ps1 -Lab lab-7e57 | ConvertTo-Json
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [object[]] $Path
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Remove-Path {
    foreach ($one in @(Get-VMNetworkAdapter -ManagementOS | Where-Object { $_.Name -like "$Lab-path-*" })) {
        Remove-VMNetworkAdapter -ManagementOS -Name $one.Name -SwitchName $one.SwitchName
        'removed'
    }
    foreach ($network in 'mgmt', 'internal') {  # by their names: a PC has a thousand rules, which take a minute to list
        Remove-NetFirewallRule -Name "$Lab-path-$network" -ErrorAction SilentlyContinue
    }
}

function Add-Path {
    param([object] $Wanted)
    $name = "$Lab-path-$($Wanted.network)"
    Add-VMNetworkAdapter -ManagementOS -SwitchName $Wanted.switch -Name $name
    if ($Wanted.vlan) {
        Set-VMNetworkAdapterVlan -ManagementOS -VMNetworkAdapterName $name -Access -VlanId $Wanted.vlan
    }
    $nic = Wait-LabAdapter -Name $name
    [void](New-NetIPAddress -InterfaceIndex $nic.InterfaceIndex -IPAddress $Wanted.address -PrefixLength $Wanted.prefix)
    [void](New-NetFirewallRule -Name $name -DisplayName $name -Direction Inbound -Protocol ICMPv4 -IcmpType 8 `
            -RemoteAddress $Wanted.peers -Action Allow -Profile Any)
    'added'
}

$done = @(Remove-Path)
try {
    $done += @(foreach ($one in $Path) { Add-Path -Wanted $one })
} catch {
    [void]@(Remove-Path)
    throw
}
@{ changed = $done.Count -gt 0 }
