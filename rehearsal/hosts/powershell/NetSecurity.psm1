# Stand-in for the parts of Windows' NetSecurity module that preparing a host uses: functions there too, from CDXML.

function Get-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param(
        [Parameter(ParameterSetName = 'ByName', Mandatory = $true, Position = 0)]
        [Alias('ID')]
        [string[]]$Name
    )
    if (-not $Name) { [void][Rehearsal.Model]::Do('Get-NetFirewallRule') }  # what it costs to list them
    $type = 'Microsoft.Management.Infrastructure.CimInstance#MSFT_NetFirewallRule'
    $found = @([Rehearsal.Records]::All('firewall_rules', $type) |
            Where-Object -FilterScript { -not $Name -or $Name -contains $_.Name })
    if ($Name -and -not $found) {
        $PSCmdlet.WriteError([Rehearsal.Network]::NotFound('MSFT_NetFirewallRule', 'InstanceID', $Name[0]))
    }
    $found
}

function New-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Alias('ID')]
        [string]$Name,

        [Parameter(Mandatory = $true)]
        [string]$DisplayName,

        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Direction]$Direction,
        [string]$Protocol,
        [string[]]$LocalPort,
        [string[]]$IcmpType,
        [string[]]$RemoteAddress,
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Action]$Action,
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Profile]$Profile
    )
    process {
        if ($PSCmdlet.ShouldProcess($DisplayName) -and [Rehearsal.Model]::Did($PSCmdlet, $null, $PSBoundParameters)) {
            [Rehearsal.Records]::All('firewall_rules', 'MSFT_NetFirewallRule') |
                Where-Object -FilterScript { $_.Name -eq $Name }
        }
    }
}

function Remove-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'ByName', Mandatory = $true, Position = 0)]
        [Alias('ID')]
        [string[]]$Name
    )
    process {
        foreach ($one in $Name) {
            if ($PSCmdlet.ShouldProcess($one)) { [void][Rehearsal.Model]::Did($PSCmdlet, $one, $PSBoundParameters) }
        }
    }
}

Export-ModuleMember -Function *-NetFirewall*
