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

function Get-Own {
    param([object] $Wanted)
    $vm = Get-VM -Id $Wanted.id
    $notes = try { ConvertFrom-Json -InputObject "$($vm.Notes)" } catch { $null }  # somebody else's words
    if ($notes.lab -ne $Lab -or $notes.machine -ne $Wanted.name) {
        Write-Error -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
    }
    $vm
}

# The data disk never takes part: a checkpoint would roll it back.
function Invoke-Apart {
    param([object] $VM, [string[]] $Path, [scriptblock] $Act)
    Get-VMHardDiskDrive -VM $VM | Where-Object { $Path -contains $_.Path } |
        ForEach-Object { Remove-VMHardDiskDrive -VMHardDiskDrive $_ }
    try { & $Act } finally {
        $there = @(Get-VMHardDiskDrive -VM $VM | ForEach-Object { $_.Path })
        $Path | Where-Object { $there -notcontains $_ } |
            ForEach-Object { Add-VMHardDiskDrive -VM $VM -ControllerType SCSI -Path $_ }
    }
}

$answers = foreach ($wanted in $Machine) {
    $answer = @{ name = $wanted.name; id = $wanted.id; state = ''; changed = @(); error = $null }
    try {
        $vm = Get-Own -Wanted $wanted
        $found = @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })
        if ("$($vm.State)" -ne 'Off') {
            Write-Error -Message "$($vm.Name) is not off" -ErrorId LabNotOff -Category InvalidOperation
        }
        if (-not $found) {
            Invoke-Apart -VM $vm -Path $wanted.apart -Act { Checkpoint-VM -VM $vm -SnapshotName $Name }
            $answer.changed = @('checkpoint')
        }
        $answer.state = "$((Get-VM -Id $wanted.id).State)"
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
