# Stand-in for the parts of Windows' NetNat module that the lab uses: functions there too, made from CDXML.

function Get-NetNat {
    [CmdletBinding()]
    param()
    [Rehearsal.Network]::Nats()
}

function New-NetNat {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        [string]$Name,

        [string]$InternalIPInterfaceAddressPrefix
    )
    if ([Rehearsal.Model]::Did($PSCmdlet, $null, $PSBoundParameters)) { Get-NetNat }
}

function Remove-NetNat {
    [CmdletBinding(DefaultParameterSetName = 'Query (cdxml)', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Query (cdxml)', Position = 0, ValueFromPipelineByPropertyName = $true)]
        [string[]]$Name
    )
    process {
        foreach ($one in $Name) {
            if ($PSCmdlet.ShouldProcess($one)) { [void][Rehearsal.Model]::Did($PSCmdlet, $one, $PSBoundParameters) }
        }
    }
}

Export-ModuleMember -Function *-NetNat
