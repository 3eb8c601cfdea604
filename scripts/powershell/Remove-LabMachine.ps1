<#
.SYNOPSIS
Removes machines of this lab from one Hyper-V host, and the disks that are named; other files stay.
.DESCRIPTION
What is gone already is no error, so an interrupted call is finished by the next one. README.md in this folder describes
Machine and the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Machine
The machines, each with its VM's id (empty: only disks are left), its folder, and the disks to delete.
.EXAMPLE
.\Remove-LabMachine.ps1 -Lab lab-7e57 -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'

function Test-Own {
    param([object] $VM, [object] $Wanted)
    $notes = try { ConvertFrom-Json -InputObject "$($VM.Notes)" } catch { $null }  # somebody else's words
    $begun = -not $VM.Notes -and "$($VM.Path)".StartsWith("$($Wanted.folder)\", 'OrdinalIgnoreCase')
    ($notes.lab -eq $Lab -and $notes.machine -eq $Wanted.name) -or $begun
}

# Of disks that a call was cut off from making, or from deleting to the end.
function Remove-LoneMark {
    param([object] $Wanted)
    if (-not (Test-Path -LiteralPath $Wanted.folder)) { return }
    foreach ($file in @(Get-ChildItem -LiteralPath $Wanted.folder -File -Filter '*.vhdx.lab.json')) {
        $path = "$($Wanted.folder)\$($file.Name)"
        $mark = try { ConvertFrom-Json -InputObject (Get-Content -LiteralPath $path -Raw) } catch { $null }  # torn
        $own = $mark.lab -eq $Lab -and $mark.machine -eq $Wanted.name
        if ($own -and -not (Test-Path -LiteralPath ($path -replace '\.lab\.json$', ''))) {
            Remove-Item -LiteralPath $path
        }
    }
}

function Remove-EmptyFolder {
    param([string] $Path)
    if (-not (Test-Path -LiteralPath $Path)) { return }
    foreach ($folder in @(Get-ChildItem -LiteralPath $Path -Directory)) {
        Remove-EmptyFolder -Path "$Path\$($folder.Name)"
    }
    if (-not (Get-ChildItem -LiteralPath $Path -Force)) { Remove-Item -LiteralPath $Path }
}

# Fails when the Hyper-V service is down: from here on a VM that is not in the list is really gone.
$all = @(Get-VM)
$answers = foreach ($wanted in $Machine) {
    $answer = @{ name = $wanted.name; id = $wanted.id; state = 'Absent'; changed = @(); error = $null }
    try {
        foreach ($vm in @($all | Where-Object { $wanted.id -and "$($_.Id)" -eq $wanted.id })) {
            if (-not (Test-Own -VM $vm -Wanted $wanted)) {
                Write-Error -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
            }
            if ("$($vm.State)" -ne 'Off') { Stop-VM -VM $vm -TurnOff -Force; $answer.changed += 'stopped' }
            Remove-VM -VM $vm -Force
            $answer.changed += 'removed'
        }
        foreach ($path in @($wanted.delete | ForEach-Object { $_; "$_.lab.json" })) {
            if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path; $answer.changed += 'deleted' }
        }
        Remove-LoneMark -Wanted $wanted
        Remove-EmptyFolder -Path $wanted.folder
        $answer.changed = @($answer.changed | Select-Object -Unique)
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
