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
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

# Of disks that a call was cut off from making, or from deleting to the end.
function Remove-LoneMark {
    param([object] $Wanted)
    if (-not (Test-Path -LiteralPath $Wanted.folder)) { return }
    foreach ($file in @(Get-ChildItem -LiteralPath $Wanted.folder -File -Filter '*.vhdx.lab.json')) {
        $path = "$($Wanted.folder)\$($file.Name)"
        $mark = try { ConvertFrom-Json -InputObject (Get-Content -LiteralPath $path -Raw) } catch { $null }  # torn
        $own = $mark.lab -eq $Lab -and $mark.machine -eq $Wanted.name
        if ($own -and -not (Test-Path -LiteralPath ($path -replace '\.lab\.json$', ''))) {
            Invoke-LabAgain -Do { Remove-Item -LiteralPath $path }
        }
    }
}

function Remove-EmptyFolder {
    param([string] $Path)
    if (-not (Test-Path -LiteralPath $Path)) { return }
    foreach ($folder in @(Get-ChildItem -LiteralPath $Path -Directory)) {
        Remove-EmptyFolder -Path "$Path\$($folder.Name)"
    }
    if (-not (Get-ChildItem -LiteralPath $Path -Force)) { Invoke-LabAgain -Do { Remove-Item -LiteralPath $Path } }
}

# Fails when the Hyper-V service is down: from here on a VM that is not in the list is really gone.
$all = @(Get-VM)
Invoke-LabMachine -Machine $Machine -Blank @{ state = 'Absent'; changed = @() } -Do {
    param([object] $Wanted, [hashtable] $Answer)
    foreach ($vm in @($all | Where-Object { $Wanted.id -and "$($_.Id)" -eq $Wanted.id })) {
        Assert-LabMark -VM $vm -Lab $Lab -Machine $Wanted
        if ("$($vm.State)" -ne 'Off') { Stop-VM -VM $vm -TurnOff -Force; $Answer.changed += 'stopped' }
        Invoke-LabAgain -Do { Remove-VM -VM $vm -Force }
        $Answer.changed += 'removed'
    }
    foreach ($path in @($Wanted.delete | ForEach-Object { $_; "$_.lab.json" })) {
        if (-not (Test-Path -LiteralPath $path)) { continue }
        Invoke-LabAgain -Do { Remove-Item -LiteralPath $path }
        $Answer.changed += 'deleted'
    }
    Remove-LoneMark -Wanted $Wanted
    Remove-EmptyFolder -Path $Wanted.folder
    $Answer.changed = @($Answer.changed | Select-Object -Unique)
}
