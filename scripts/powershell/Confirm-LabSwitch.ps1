<#
.SYNOPSIS
Lets this PC keep the External switch that is being made.
.DESCRIPTION
Invoke-LabSwitch.ps1 waits for this until its deadline. README.md in this folder describes the answer.
.PARAMETER Lab
The lab's name.
.EXAMPLE
.\Confirm-LabSwitch.ps1 -Lab lab-7e57 | ConvertTo-Json
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab
)
$ErrorActionPreference = 'Stop'

$folder = "$env:ProgramFiles\hyperv-k8s-lab"
$operation = ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$folder\switch.json" -Raw -Encoding UTF8)
if ($operation.lab -ne $Lab) {
    Write-Error -Message "another lab makes a switch: $($operation.lab)" -ErrorId LabNotOurs
}
Set-Content -LiteralPath "$folder\switch-confirmed.json" -Value '{}' -Encoding Ascii
@{ changed = $true }
