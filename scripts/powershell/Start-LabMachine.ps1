<#
.SYNOPSIS
Starts machines of this lab, named by VM id; one that runs already is left alone.
.DESCRIPTION
README.md in this folder describes the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VMs' ids.
.EXAMPLE
.\Start-LabMachine.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string[]] $Id
)
$ErrorActionPreference = 'Stop'

$answers = foreach ($one in $Id) {
    $answer = @{ name = ''; id = $one; state = ''; changed = @(); error = $null }
    try {
        $vm = Get-VM -Id $one
        $notes = try { ConvertFrom-Json -InputObject "$($vm.Notes)" } catch { $null }  # somebody else's words
        $answer.name = "$($notes.machine)"
        if ($notes.lab -ne $Lab) {
            Write-Error -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
        }
        if ("$($vm.State)" -ne 'Running') {
            Start-VM -VM $vm
            $answer.changed = @('started')
        }
        $answer.state = "$((Get-VM -Id $one).State)"
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
