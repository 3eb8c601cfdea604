<#
.SYNOPSIS
Takes a checkpoint of machines that are off; one that has a checkpoint of that name already is left alone.
.DESCRIPTION
A data disk is detached meanwhile, so it is never part of a checkpoint. README.md in this folder describes Machine and
the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Name
The checkpoint's name.
.PARAMETER Machine
The machines, each with the paths of disks to keep out of it.
.EXAMPLE
.\New-LabCheckpoint.ps1 -Lab lab-7e57 -Name before -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $Name,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

Invoke-LabMachine -Machine $Machine -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    Assert-LabMark -VM $vm -Lab $Lab -Machine $Wanted
    $found = @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })
    if ("$($vm.State)" -ne 'Off') {
        Write-Error -Message "$($vm.Name) is not off" -ErrorId LabNotOff -Category InvalidOperation
    }
    if (-not $found) {
        Invoke-LabApart -VM $vm -Path $Wanted.apart -Do { Checkpoint-VM -VM $vm -SnapshotName $Name }
        $Answer.changed = @('checkpoint')
    }
    $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
}
