<#
.SYNOPSIS
Writes a machine's boot disk and puts it into a DVD drive of its own, from which the machine starts while its disk is blank.
.DESCRIPTION
The image is put together from parts: bytes that are given, zeros, and pieces of the DVD image on this host. The order of
starting becomes: system disk, boot disk, other DVDs, adapter mgmt. The machine must be off. It may be done again.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VM's id.
.PARAMETER Iso
The DVD image that parts are copied from.
.PARAMETER Disk
The path of the machine's system disk.
.PARAMETER Path
The image to write; what is there is written over.
.PARAMETER Part
The image's parts: each has `data` (base64), `zero` (a count of bytes), or `from` and `length` (a piece of Iso).
.EXAMPLE
.\Set-LabBootDisk.ps1 -Lab lab-7e57 -Id $id -Iso $iso -Disk $disk -Path $boot -Part (Get-Content .\parts.json | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $Id,
    [Parameter(Mandatory = $true)] [string] $Iso,
    [Parameter(Mandatory = $true)] [string] $Disk,
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [object[]] $Part
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Copy-Piece {
    param([object] $From, [object] $To, [long] $Start, [long] $Length)
    $buffer = [byte[]]::new(1MB)
    [void]$From.Seek($Start, 'Begin')
    while ($Length -gt 0) {
        $count = $From.Read($buffer, 0, [Math]::Min($buffer.Length, $Length))
        if ($count -le 0) { Write-Error -Message "$Iso ends too early" -ErrorId LabMediaShort -Category InvalidData }
        $To.Write($buffer, 0, $count)
        $Length -= $count
    }
}

function Write-Image {
    param([object] $From, [object] $To)
    $To.SetLength(0)
    foreach ($one in $Part) {
        if ($one.data) { $bytes = [Convert]::FromBase64String($one.data); $To.Write($bytes, 0, $bytes.Length) }
        elseif ($one.zero) { $To.SetLength($To.Length + $one.zero); [void]$To.Seek(0, 'End') }
        else { Copy-Piece -From $From -To $To -Start $one.from -Length $one.length }
    }
}

$vm = Get-VM -Id $Id
Assert-LabMark -VM $vm -Lab $Lab
if ("$($vm.State)" -ne 'Off') {
    Write-Error -Message "$($vm.Name) is $($vm.State)" -ErrorId LabNotOff -Category InvalidOperation
}
$source = (Get-Item -LiteralPath $Iso).Open('Open', 'Read', 'ReadWrite')
try {
    if (-not (Test-Path -LiteralPath $Path)) { [void](New-Item -ItemType File -Path $Path) }
    $target = (Get-Item -LiteralPath $Path).Open('Open', 'Write', 'None')
    try { Write-Image -From $source -To $target } finally { $target.Dispose() }
} finally {
    $source.Dispose()
}
if (-not @(Get-VMDvdDrive -VM $vm | Where-Object { $_.Path -eq $Path })) { Add-VMDvdDrive -VM $vm -Path $Path }
$dvds = @(Get-VMDvdDrive -VM $vm)
$order = @(Get-VMHardDiskDrive -VM $vm | Where-Object { $_.Path -eq $Disk })
$order += @($dvds | Where-Object { $_.Path -eq $Path }) + @($dvds | Where-Object { $_.Path -and $_.Path -ne $Path })
$order += @(Get-VMNetworkAdapter -VM $vm | Where-Object { $_.Name -eq 'mgmt' })
Set-VMFirmware -VM $vm -BootOrder $order
@{ changed = $true }
