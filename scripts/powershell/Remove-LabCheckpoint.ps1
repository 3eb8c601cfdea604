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

function Get-Own {
    param([object] $Wanted)
    $vm = Get-VM -Id $Wanted.id
    $notes = try { ConvertFrom-Json -InputObject "$($vm.Notes)" } catch { $null }  # somebody else's words
    if ($notes.lab -ne $Lab -or $notes.machine -ne $Wanted.name) {
        Write-Error -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
    }
    $vm
}

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

$answers = foreach ($wanted in $Machine) {
    $answer = @{ name = $wanted.name; id = $wanted.id; state = ''; changed = @(); error = $null }
    try {
        $vm = Get-Own -Wanted $wanted
        $found = @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })
        foreach ($one in $found) {
            Remove-VMSnapshot -VMSnapshot $one
            $answer.changed = @('removed')
        }
        $there = @(Get-VMHardDiskDrive -VM $vm | ForEach-Object { $_.Path })
        foreach ($path in @($wanted.apart | Where-Object { $there -notcontains $_ })) {
            Add-VMHardDiskDrive -VM $vm -ControllerType SCSI -Path $path
            $answer.changed += 'attached'
        }
        Wait-Merge -VM $vm
        $answer.state = "$((Get-VM -Id $wanted.id).State)"
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
