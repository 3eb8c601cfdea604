# Stand-in for the parts of Windows' DnsClient module that the lab uses: functions there too, made from CDXML.

function Get-DnsClientServerAddress {
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [uint32[]]$InterfaceIndex,

        [Alias('Family')]
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.DnsClientServerAddress.AddressFamily[]]$AddressFamily
    )
    process {
        if ($AddressFamily -and $AddressFamily -notcontains 'IPv4') { return }
        [Rehearsal.Network]::Servers() |
            Where-Object -FilterScript { -not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex }
    }
}

function Set-DnsClientServerAddress {
    [CmdletBinding(DefaultParameterSetName = 'ByAlias', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'ByName', Mandatory = $true, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [uint32[]]$InterfaceIndex,

        [Alias('Addresses')]
        [string[]]$ServerAddresses
    )
    process {
        foreach ($index in $InterfaceIndex) {
            [void][Rehearsal.Model]::Did($PSCmdlet, $index, $PSBoundParameters)
        }
    }
}

Export-ModuleMember -Function *-DnsClient*
