# Stand-in for Windows' NetConnection module: functions there too, made from CDXML.

function Get-NetConnectionProfile {
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [uint32[]]$InterfaceIndex
    )
    process {
        $type = 'Microsoft.Management.Infrastructure.CimInstance#MSFT_NetConnectionProfile'
        [Rehearsal.Records]::All('profiles', $type) |
            Where-Object -FilterScript { -not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex }
    }
}

function Set-NetConnectionProfile {
    [CmdletBinding(DefaultParameterSetName = 'Query (cdxml)', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Query (cdxml)', ValueFromPipelineByPropertyName = $true)]
        [uint32[]]$InterfaceIndex,

        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetConnectionProfile.NetworkCategory]$NetworkCategory
    )
    process {
        foreach ($index in $InterfaceIndex) {
            if ($PSCmdlet.ShouldProcess("$index")) {
                [void][Rehearsal.Model]::Did($PSCmdlet, $index, $PSBoundParameters)
            }
        }
    }
}

Export-ModuleMember -Function *-NetConnectionProfile
