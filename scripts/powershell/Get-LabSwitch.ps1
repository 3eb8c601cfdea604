<#
.SYNOPSIS
Tells how far the making or removing of an External switch is on this PC; changes nothing.
.DESCRIPTION
Reads what Invoke-LabSwitch.ps1 wrote last, and whether its task is still there. README.md in this folder describes the
answer.
.PARAMETER Lab
The lab's name.
.EXAMPLE
.\Get-LabSwitch.ps1 -Lab lab-7e57 | ConvertTo-Json -Depth 6
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab
)
$ErrorActionPreference = 'Stop'

$folder = "$env:ProgramFiles\hyperv-k8s-lab"

function Get-Kept {
    param([string] $Name)
    try {
        ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$folder\$Name" -Raw -Encoding UTF8)
    } catch { return }  # none yet
}

$operation = Get-Kept -Name 'switch.json'
if (-not $operation -or $operation.lab -ne $Lab) { return @{ changed = $false; operation = $null } }
$state = Get-Kept -Name 'switch-state.json'
# By its name: among all tasks one of somebody else's that is broken would be an error.
$runs = @(Get-ScheduledTask -TaskName 'hyperv-k8s-lab-switch' -ErrorAction SilentlyContinue).Count -gt 0
@{ changed = $false; operation = @{ name = $operation.name; deadline = $operation.deadline; runs = $runs
        adapter = "$($operation.adapter)"; before = $operation.before; removes = [bool]$operation.remove
        state = if ($state) { $state.state } else { 'begun' }
        reached = @($state.reached | Where-Object { $_ }); problem = "$($state.problem)" } }
