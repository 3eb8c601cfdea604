<#
.SYNOPSIS
Removes a checkpoint of machines and waits until their disks are merged; machines without it are left alone.
.DESCRIPTION
Disks that a checkpoint's call left out of their machine because it was cut off are attached again. README.md in this
folder describes Machine and the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Name
The checkpoint's name.
.PARAMETER Machine
The machines, each with the paths of disks that belong in it without being part of checkpoints.
.EXAMPLE
.\Remove-LabCheckpoint.ps1 -Lab lab-7e57 -Name before -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $Name,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

$until = [DateTime]::UtcNow.AddMinutes(10)  # for all machines together: the caller's patience ends as well

# Removing returns before the merge ends, and a VM that is started meanwhile can fail.
function Wait-Merge {
    param([object] $VM)
    do {
        $now = Get-VM -Id $VM.Id
        $left = @(Get-VMHardDiskDrive -VM $now | Where-Object { $_.Path -like '*.avhdx' })
        $merging = @($now.OperationalStatus | Where-Object { 'MergingDisks', 'DeletingSnapshot' -contains "$_" })
        if (-not $merging -and (-not $left -or @(Get-VMSnapshot -VM $now))) { return }
        Start-Sleep -Milliseconds 500
    } while ([DateTime]::UtcNow -lt $until)
    Write-Error -Message "$($VM.Name): disks are still being merged" -ErrorId LabMerging -Category OperationTimeout
}

Invoke-LabMachine -Machine $Machine -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    Assert-LabMark -VM $vm -Lab $Lab -Machine $Wanted
    foreach ($one in @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })) {
        Remove-VMSnapshot -VMSnapshot $one
        $Answer.changed = @('removed')
    }
    Add-LabDrive -VM $vm -Path $Wanted.apart | ForEach-Object { $Answer.changed += 'attached' }
    Wait-Merge -VM $vm
    $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
}
