<#
.SYNOPSIS
Tells what the DVD image on this host is, and how much is on a machine's disk; changes nothing.
.DESCRIPTION
The image's volume descriptors and its boot catalog are given as they are (ECMA-119, El Torito), for the caller to read.
README.md in this folder describes the answer.
.PARAMETER Iso
The image's path; without it no image is looked at.
.PARAMETER Disk
The path of a virtual disk that no running machine has; without it no disk is looked at.
.EXAMPLE
.\Get-LabMedia.ps1 -Iso C:\ISO\Rocky-9-latest-x86_64-dvd.iso -Disk C:\Lab\lab-7e57\bootstrap\system-1f2e3d4c.vhdx
#>
[CmdletBinding()]
param(
    [string] $Iso,
    [string] $Disk
)
$ErrorActionPreference = 'Stop'

$sector = 2048

function Get-Sector {
    param([object] $Stream, [long] $First, [int] $Count)
    $bytes = [byte[]]::new($Count * $sector)
    [void]$Stream.Seek($First * $sector, 'Begin')
    [Array]::Resize([ref]$bytes, $Stream.Read($bytes, 0, $bytes.Length))
    , $bytes
}

function Get-Catalog {
    param([byte[]] $Descriptor)
    for ($start = 0; $start + $sector -le $Descriptor.Length; $start += $sector) {
        $system = [Text.Encoding]::ASCII.GetString($Descriptor, $start + 7, 23)
        if ($Descriptor[$start] -eq 0 -and $system -eq 'EL TORITO SPECIFICATION') {
            return [BitConverter]::ToUInt32($Descriptor, $start + 71)
        }
    }
}

function Get-Medium {
    $file = Get-Item -LiteralPath $Iso
    $stream = $file.Open('Open', 'Read', 'ReadWrite')  # a machine may have it in its drive
    try {
        $descriptors = Get-Sector -Stream $stream -First 16 -Count 4
        $place = Get-Catalog -Descriptor $descriptors
        $catalog = [byte[]]@()
        if ($null -ne $place) { $catalog = Get-Sector -Stream $stream -First $place -Count 1 }
    } finally {
        $stream.Dispose()
    }
    @{ bytes = [long]$file.Length; descriptors = [Convert]::ToBase64String($descriptors)
        catalog = [Convert]::ToBase64String($catalog) }
}

$answer = @{ changed = $false; disk_bytes = $null; media = $null }
if ($Iso) { $answer.media = Get-Medium }
if ($Disk) { $answer.disk_bytes = [long](Get-VHD -Path $Disk).FileSize }
$answer
