<#
.SYNOPSIS
Pings addresses with full-size packets that nobody may split; changes nothing.
.DESCRIPTION
By Windows' own ping (Win32_PingStatus). README.md in this folder describes the answer.
.PARAMETER To
IPv4 addresses.
.PARAMETER Seconds
For so long it is tried again: an adapter that is new needs some seconds.
.EXAMPLE
.\Get-LabPath.ps1 -To 10.190.87.253 -Seconds 15 | ConvertTo-Json -Depth 6
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string[]] $To,
    [Parameter(Mandatory = $true)] [int] $Seconds
)
$ErrorActionPreference = 'Stop'

$full = 1472  # what is left of Ethernet's 1500 after the headers of IPv4 (20) and ICMP (8)
$small = 32

function Test-Ping {
    param([string] $Address, [int] $Size)
    $filter = "Address = '$Address' AND BufferSize = $Size AND NoFragmentation = TRUE AND Timeout = 1000"
    $answer = @(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter)[0]
    $null -ne $answer.StatusCode -and [int]$answer.StatusCode -eq 0
}

$end = [DateTime]::UtcNow.AddSeconds($Seconds)
$found = foreach ($one in $To) {
    $answer = @{ to = $one; full = $false; small = $false }
    while (-not ($answer.full = Test-Ping -Address $one -Size $full) -and [DateTime]::UtcNow -lt $end) {
        Start-Sleep -Milliseconds 500
    }
    $answer.small = $answer.full -or (Test-Ping -Address $one -Size $small)
    $answer
}
@{ changed = $false; path = @($found) }
