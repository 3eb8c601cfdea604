# Stand-in for the parts of Windows' ScheduledTasks module that the lab uses: functions there too, made from CDXML.
# The tasks themselves are run by the PC (scheduler.py), so that they outlive the call that started them.

function New-ScheduledTaskAction {
    [CmdletBinding()]
    [OutputType([CimInstance])]
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        [string]$Execute,

        [Parameter(Position = 1)]
        [string]$Argument
    )
    [Rehearsal.Tasks]::Part(@{ Execute = $Execute; Arguments = $Argument })
}

function New-ScheduledTaskTrigger {
    [CmdletBinding(DefaultParameterSetName = 'Once')]
    param(
        [Parameter(ParameterSetName = 'Startup', Mandatory = $true)]
        [switch]$AtStartup
    )
    if ($AtStartup) { [Rehearsal.Tasks]::Part(@{ }) }
}

function New-ScheduledTaskPrincipal {
    [CmdletBinding(DefaultParameterSetName = 'User')]
    param(
        [Parameter(ParameterSetName = 'User', Mandatory = $true, Position = 0)]
        [string]$UserId,

        [Parameter(ParameterSetName = 'User', Position = 1)]
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.ScheduledTask.LogonTypeEnum]$LogonType,

        [Parameter(Position = 2)]
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.ScheduledTask.RunLevelEnum]$RunLevel
    )
    [Rehearsal.Tasks]::Part(@{
            UserId = $UserId; LogonType = "$LogonType"; RunLevel = "$RunLevel" })
}

function New-ScheduledTaskSettingsSet {
    [CmdletBinding()]
    param(
        [switch]$AllowStartIfOnBatteries,
        [switch]$DontStopIfGoingOnBatteries
    )
    [Rehearsal.Tasks]::Part(@{
            DisallowStartIfOnBatteries = -not $AllowStartIfOnBatteries
            StopIfGoingOnBatteries = -not $DontStopIfGoingOnBatteries })
}

function Get-ScheduledTask {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [string[]]$TaskName
    )
    process {
        $type = 'Microsoft.Management.Infrastructure.CimInstance#MSFT_ScheduledTask'
        $found = @([Rehearsal.Records]::All('scheduled_tasks', $type) |
                Where-Object -FilterScript { -not $TaskName -or $TaskName -contains $_.TaskName })
        if (-not $found -and $TaskName) {
            $PSCmdlet.WriteError([Rehearsal.Network]::NotFound('MSFT_ScheduledTask', 'TaskName', $TaskName[0]))
        }
        if (-not $TaskName -and [Rehearsal.Pc]::State['corrupt_task']) {
            $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                    'The task XML contains a value which is incorrectly formatted or out of range.',
                    'HRESULT 0x80041318,Get-ScheduledTask', 'NotSpecified'))
        }
        $found
    }
}

function Register-ScheduledTask {
    [CmdletBinding(DefaultParameterSetName = 'User')]
    param(
        [Parameter(ParameterSetName = 'Principal', Mandatory = $true, Position = 0)]
        [string]$TaskName,

        [Parameter(ParameterSetName = 'Principal', Mandatory = $true, Position = 2)]
        [CimInstance[]]$Action,

        [Parameter(ParameterSetName = 'Principal', Position = 3)]
        [CimInstance[]]$Trigger,

        [Parameter(ParameterSetName = 'Principal', Position = 4)]
        [CimInstance]$Settings,

        [Parameter(ParameterSetName = 'Principal', Position = 5)]
        [CimInstance]$Principal
    )
    $given = @{ TaskName = $TaskName; Execute = $Action[0].Execute; Argument = $Action[0].Arguments
        UserId = $Principal.UserId; AtStartup = [bool]$Trigger }
    if ([Rehearsal.Model]::Did($PSCmdlet, $null, $given)) {
        Get-ScheduledTask -TaskName $TaskName
    }
}

function Start-ScheduledTask {
    [CmdletBinding(DefaultParameterSetName = 'Path')]
    param(
        [Parameter(ParameterSetName = 'Path', Mandatory = $true, Position = 0)]
        [string]$TaskName
    )
    [void][Rehearsal.Model]::Did($PSCmdlet, $null, $PSBoundParameters)
}

function Unregister-ScheduledTask {
    [CmdletBinding(DefaultParameterSetName = 'ByPath', SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param(
        [Parameter(ParameterSetName = 'ByPath', Position = 0, ValueFromPipelineByPropertyName = $true)]
        [string[]]$TaskName
    )
    process {
        foreach ($one in $TaskName) {
            if ($PSCmdlet.ShouldProcess($one)) { [void][Rehearsal.Model]::Did($PSCmdlet, $one, $PSBoundParameters) }
        }
    }
}

Export-ModuleMember -Function *-ScheduledTask*
