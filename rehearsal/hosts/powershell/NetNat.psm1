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
    if (@(Get-NetNat)) {
        $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                'The parameter is incorrect.', 'Windows System Error 87', 'InvalidArgument'))
    } else {
        [Rehearsal.Network]::AddNat($Name, $InternalIPInterfaceAddressPrefix)
        Get-NetNat
    }
}

Export-ModuleMember -Function *-NetNat
