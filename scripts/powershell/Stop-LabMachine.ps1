<#
.SYNOPSIS
Shuts machines of this lab down, named by VM id; one that is off or saved already is left alone.
.DESCRIPTION
Each guest is asked to shut down and waited for. A guest that cannot be asked (no system installed, installer running)
is reported with the error that Stop-VM gives, and goes on running, unless CutPower is given. README.md in this folder
describes the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VMs' ids.
.PARAMETER CutPower
Turn off without asking the guest.
.EXAMPLE
.\Stop-LabMachine.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001 -CutPower $true
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string[]] $Id,
    [bool] $CutPower
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

Invoke-LabMachine -Machine @($Id | ForEach-Object { @{ id = $_ } }) -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    $Answer.name = "$((Get-LabMark -VM $vm).machine)"
    Assert-LabMark -VM $vm -Lab $Lab
    if (@('Off', 'Saved') -notcontains "$($vm.State)") {
        if ($CutPower) { Stop-VM -VM $vm -TurnOff -Force } else { Stop-VM -VM $vm }
        $Answer.changed = @('stopped')
    }
    $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
}
