<#
.SYNOPSIS
Takes a machine's boot disk out, with its drive, and deletes the image: it holds the machine's private SSH host key.
.DESCRIPTION
The machine may run; where Windows then keeps the drive, it stays, empty. It may be done again.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VM's id.
.PARAMETER Path
The image that Set-LabBootDisk.ps1 wrote.
.EXAMPLE
.\Remove-LabBootDisk.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001 -Path C:\Lab\lab-7e57\bootstrap\boot.iso
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $Id,
    [Parameter(Mandatory = $true)] [string] $Path
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

$vm = Get-VM -Id $Id
Assert-LabMark -VM $vm -Lab $Lab
$drives = @(Get-VMDvdDrive -VM $vm | Where-Object { $_.Path -eq $Path })
foreach ($one in $drives) {
    try { Invoke-LabAgain -Do { Remove-VMDvdDrive -VMDvdDrive $one } } catch { Set-VMDvdDrive -VMDvdDrive $one -Path $null }
}
$there = Test-Path -LiteralPath $Path
if ($there) { Invoke-LabAgain -Do { Remove-Item -LiteralPath $Path } }
@{ changed = $drives.Count -gt 0 -or $there }
