<#
.SYNOPSIS
Tells whose this PC's virtual switches of some names are, and who is on them; changes nothing.
.DESCRIPTION
A switch is the lab's when its Notes are the mark that New-LabSwitch.ps1 gave it. README.md in this folder describes the
answer.
.PARAMETER VirtualSwitch
The switches: name and notes.
.EXAMPLE
.\Get-LabSwitchUse.ps1 -VirtualSwitch (Get-Content .\switches.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [object[]] $VirtualSwitch
)
$ErrorActionPreference = 'Stop'

$here = @(Get-VMSwitch)
$vms = @(Get-VM)
$found = foreach ($wanted in $VirtualSwitch) {
    foreach ($one in @($here | Where-Object { $_.Name -eq $wanted.name })) {
        $users = @($vms | Where-Object { @(Get-VMNetworkAdapter -VM $_ | ForEach-Object { "$($_.SwitchName)" }) -contains
                $one.Name } | ForEach-Object { "$($_.Name)" })
        @{ id = "$($one.Id)"; name = "$($one.Name)"; type = "$($one.SwitchType)"; vms = $users
            ours = "$($one.Notes)" -eq $wanted.notes }
    }
}
@{ changed = $false; switches = @($found | Where-Object { $_ }) }
