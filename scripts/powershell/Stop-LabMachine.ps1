<#
.SYNOPSIS
Shuts machines of this lab down, named by VM id; one that is off or saved already is left alone.
.DESCRIPTION
Each guest is asked to shut down and waited for. A guest that cannot be asked (no system installed, installer running)
is reported with the error that Stop-VM gives, and goes on running, unless CutPower is given. README.md in this folder
describes the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VMs' ids.
.PARAMETER CutPower
Turn off without asking the guest.
.EXAMPLE
.\Stop-LabMachine.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001 -CutPower $true
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string[]] $Id,
    [bool] $CutPower
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
        if (@('Off', 'Saved') -notcontains "$($vm.State)") {
            if ($CutPower) { Stop-VM -VM $vm -TurnOff -Force } else { Stop-VM -VM $vm }
            $answer.changed = @('stopped')
        }
        $answer.state = "$((Get-VM -Id $one).State)"
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
