<#
.SYNOPSIS
Starts machines of this lab, named by VM id; one that runs already is left alone.
.DESCRIPTION
README.md in this folder describes the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VMs' ids.
.EXAMPLE
.\Start-LabMachine.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string[]] $Id
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

Invoke-LabMachine -Machine @($Id | ForEach-Object { @{ id = $_ } }) -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    $Answer.name = "$((Get-LabMark -VM $vm).machine)"
    Assert-LabMark -VM $vm -Lab $Lab
    if ("$($vm.State)" -ne 'Running') {
        Start-VM -VM $vm
        $Answer.changed = @('started')
    }
    $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
}
