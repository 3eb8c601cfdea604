<#
.SYNOPSIS
Fetches a DVD image to this host, piece by piece: each call goes on where the one before it stopped.
.DESCRIPTION
What was fetched so far lies beside the target with .part at its end, and gets the target's name when it is complete.
.PARAMETER Url
Where it is fetched from.
.PARAMETER Path
The image; nothing is done when it is there.
.PARAMETER Seconds
How long this call may go on; 0: it only asks how large the image is.
.EXAMPLE
.\Save-LabMedia.ps1 -Url https://mirror.example/dvd.iso -Path C:\ISO\dvd.iso -Seconds 60
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Url,
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [int] $Seconds
)
$ErrorActionPreference = 'Stop'

function Get-Response {
    param([long] $From)
    $request = [Net.HttpWebRequest][Net.WebRequest]::Create($Url)
    $request.Timeout = $request.ReadWriteTimeout = 30000
    if ($From) { $request.AddRange($From) }
    try { $request.GetResponse() } catch [Net.WebException] {
        # All of it is here: there is nothing behind the last byte.
        if ($From -and $_.Exception.Response.StatusCode -eq 'RequestedRangeNotSatisfiable') { return }
        Write-Error -Message "$Url cannot be fetched: $_" -ErrorId LabMediaUnreachable -Category ConnectionError
    }
}

function Save-Piece {
    param([object] $Response, [object] $Target)
    if ("$($Response.StatusCode)" -ne 'PartialContent') { $Target.SetLength(0) }  # it came from its beginning
    [void]$Target.Seek(0, 'End')
    $total = $Target.Length + $Response.ContentLength
    $source, $buffer, $watch = $Response.GetResponseStream(), [byte[]]::new(1MB), [Diagnostics.Stopwatch]::StartNew()
    while ($watch.Elapsed.TotalSeconds -lt $Seconds -and ($count = $source.Read($buffer, 0, $buffer.Length)) -gt 0) {
        $Target.Write($buffer, 0, $count)
    }
    $total
}

if (Test-Path -LiteralPath $Path) {
    $size = [long](Get-Item -LiteralPath $Path).Length
    return @{ changed = $false; bytes = $size; total = $size; done = $true }
}
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 'Tls12'
$folder = Split-Path -Path $Path -Parent
if (-not (Test-Path -LiteralPath $folder)) { [void](New-Item -ItemType Directory -Path $folder) }
$part = "$Path.part"
if (-not (Test-Path -LiteralPath $part)) { [void](New-Item -ItemType File -Path $part) }
$target = (Get-Item -LiteralPath $part).Open('Open', 'ReadWrite', 'None')
try {
    $before = $target.Length
    $response = Get-Response -From $before
    try { $total = if ($response) { Save-Piece -Response $response -Target $target } else { $before } } finally {
        if ($response) { $response.Dispose() }
    }
    $now = $target.Length
} finally {
    $target.Dispose()
}
if ($now -ge $total) { Move-Item -LiteralPath $part -Destination $Path }
@{ changed = $now -ne $before; bytes = $now; total = $total; done = $now -ge $total }
