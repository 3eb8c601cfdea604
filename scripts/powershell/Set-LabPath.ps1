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

function Remove-Path {
    foreach ($one in @(Get-VMNetworkAdapter -ManagementOS | Where-Object { $_.Name -like "$Lab-path-*" })) {
        Remove-VMNetworkAdapter -ManagementOS -Name $one.Name -SwitchName $one.SwitchName
        'removed'
    }
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules'
    foreach ($one in @((Get-ItemProperty -LiteralPath $key).PSObject.Properties)) {  # to list rules takes a minute
        if ($one.Name -like "$Lab-path-*") { Remove-NetFirewallRule -Name $one.Name }
    }
}

function Add-Path {
    param([object] $Wanted)
    $name = "$Lab-path-$($Wanted.network)"
    Add-VMNetworkAdapter -ManagementOS -SwitchName $Wanted.switch -Name $name
    if ($Wanted.vlan) {
        Set-VMNetworkAdapterVlan -ManagementOS -VMNetworkAdapterName $name -Access -VlanId $Wanted.vlan
    }
    $end = [DateTime]::UtcNow.AddSeconds(20)  # Windows installs the adapter after the call
    do {
        $nic = @(Get-NetAdapter | Where-Object { $_.Name -eq "vEthernet ($name)" })[0]
        if (-not $nic) { Start-Sleep -Milliseconds 300 }
    } until ($nic -or [DateTime]::UtcNow -gt $end)
    if (-not $nic) { Write-Error -Message "the adapter vEthernet ($name) does not come up" -ErrorId LabNoAdapter }
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
