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

function Stop-Machine {
    param([object] $VM, [bool] $Clean)
    # -Force also answers for a guest that cannot be asked; one that refuses is turned off below.
    if ($Clean) { Stop-VM -VM $VM -Force -ErrorAction SilentlyContinue }
    if ("$((Get-VM -Id $VM.Id).State)" -ne 'Off') { Stop-VM -VM $VM -TurnOff -Force }
}

$answers = foreach ($wanted in $Machine) {
    $answer = @{ name = $wanted.name; id = $wanted.id; state = ''; changed = @(); error = $null }
    try {
        $vm = Get-Own -Wanted $wanted
        $found = @(Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $Name })
        if ($found.Count -ne 1) {
            $text = "$($vm.Name) has $($found.Count) checkpoints named $Name"
            Write-Error -Message $text -ErrorId LabNoCheckpoint -Category ObjectNotFound
        }
        if ("$($vm.State)" -ne 'Off') {
            Stop-Machine -VM $vm -Clean ([bool]$wanted.apart)
            $answer.changed += 'stopped'
        }
        Invoke-Apart -VM $vm -Path $wanted.apart -Act { Restore-VMSnapshot -VMSnapshot $found[0] -Confirm:$false }
        $answer.changed += 'restored'
        $answer.state = "$((Get-VM -Id $wanted.id).State)"
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
