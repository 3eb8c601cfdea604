<#
.SYNOPSIS
Takes machines back to a checkpoint; what their system disks held since then is lost.
.DESCRIPTION
A machine with a data disk is asked to shut down first, so that this disk is left clean; the others are turned off,
since what they would still write is lost anyway. Data disks are detached meanwhile and attached again as they are.
README.md in this folder describes Machine and the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Name
The checkpoint's name.
.PARAMETER Machine
The machines, each with the paths of disks that are not to go back.
.EXAMPLE
.\Restore-LabCheckpoint.ps1 -Lab lab-7e57 -Name before -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $Name,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Stop-Machine {
    param([object] $VM, [bool] $Clean)
    # -Force also answers for a guest that cannot be asked; one that refuses is turned off below.
    if ($Clean) { Stop-VM -VM $VM -Force -ErrorAction SilentlyContinue }
    if ("$((Get-VM -Id $VM.Id).State)" -ne 'Off') { Stop-VM -VM $VM -TurnOff -Force }
}

Invoke-LabMachine -Machine $Machine -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    Assert-LabMark -VM $vm -Lab $Lab -Machine $Wanted
    $found = @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })
    if ($found.Count -ne 1) {
        $text = "$($vm.Name) has $($found.Count) checkpoints named $Name"
        Write-Error -Message $text -ErrorId LabNoCheckpoint -Category ObjectNotFound
    }
    if ("$($vm.State)" -ne 'Off') {
        Stop-Machine -VM $vm -Clean ([bool]$Wanted.apart)
        $Answer.changed += 'stopped'
    }
    Invoke-LabApart -VM $vm -Path $Wanted.apart -Do { Restore-VMSnapshot -VMSnapshot $found[0] -Confirm:$false }
    $Answer.changed += 'restored'
    $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
}
