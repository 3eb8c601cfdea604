# Stand-in for the parts of Windows' NetSecurity module that preparing a host uses: functions there too, from CDXML.

function Get-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param()
    [void][Rehearsal.Model]::Do('Get-NetFirewallRule')  # what it costs
    [Rehearsal.Records]::All('firewall_rules', 'Microsoft.Management.Infrastructure.CimInstance#MSFT_NetFirewallRule')
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
            Get-NetFirewallRule | Where-Object -FilterScript { $_.Name -eq $Name }
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

# Windows keeps a rule's ports and addresses in objects of their own, which carry the rule's InstanceID.
function Get-Part {
    param([string]$Kind, [string]$Property)
    [void][Rehearsal.Model]::Do('Get-NetFirewallRule')
    foreach ($rule in [Rehearsal.Records]::All('firewall_rules', 'rule')) {
        $part = New-Object -TypeName PSObject -Property @{
            InstanceID = $rule.InstanceID; Protocol = $rule.Protocol; $Property = @($rule.$Property -split ',') }
        $part.PSObject.TypeNames.Insert(0, "Microsoft.Management.Infrastructure.CimInstance#$Kind")
        $part
    }
}

function Get-NetFirewallPortFilter {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param(
        [Parameter(ParameterSetName = 'ByQuery')]
        [string[]]$Protocol
    )
    Get-Part -Kind MSFT_NetProtocolPortFilter -Property LocalPort |
        Where-Object -FilterScript { -not $Protocol -or $Protocol -contains $_.Protocol }
}

function Get-NetFirewallAddressFilter {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param()
    Get-Part -Kind MSFT_NetAddressFilter -Property RemoteAddress
}

Export-ModuleMember -Function *-NetFirewall*
