<#
.SYNOPSIS
Tells a DVD image's SHA-256, and what its source says that should be; changes nothing. It reads all of it: minutes.
.DESCRIPTION
README.md in this folder describes the answer.
.PARAMETER Path
The image.
.PARAMETER Url
A text that names the SHA-256; may be empty.
.EXAMPLE
.\Get-LabDigest.ps1 -Path C:\ISO\dvd.iso -Url https://mirror.example/dvd.iso.CHECKSUM
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    [string] $Url
)
$ErrorActionPreference = 'Stop'

function Get-Published {
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 'Tls12'
    try { [Net.WebClient]::new().DownloadString($Url) } catch [Net.WebException] { '' }  # not published, or out of reach
}

$published = if ($Url) { Get-Published } else { '' }
@{ changed = $false; published = "$published"
    sha256 = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant() }
