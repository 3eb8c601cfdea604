# Stand-in for the parts of Windows' NetAdapter module that the lab uses: functions there too, made from CDXML.

function Get-NetAdapter {
    [CmdletBinding(DefaultParameterSetName = 'ByName')]
    param(
        [Parameter(ParameterSetName = 'ByName', Position = 0)]
        [Alias('ifAlias', 'InterfaceAlias')]
        [string[]]$Name,

        [Parameter(ParameterSetName = 'ByInstanceID', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('ifDesc')]
        [string[]]$InterfaceDescription,

        [Parameter(ParameterSetName = 'ByIfIndex', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex,

        [switch]$Physical
    )
    process {
        $all = [Rehearsal.Network]::Adapters() | Where-Object -FilterScript { -not $Physical -or $_.HardwareInterface }
        if ($PSCmdlet.ParameterSetName -eq 'ByIfIndex') {
            return $all | Where-Object -FilterScript { $InterfaceIndex -contains $_.InterfaceIndex }
        }
        $property = if ($InterfaceDescription) { 'InterfaceDescription' } else { 'Name' }
        $wanted = if ($InterfaceDescription) { $InterfaceDescription } else { $Name }
        if (-not $wanted) {
            return $all
        }
        foreach ($pattern in $wanted) {
            $found = @($all | Where-Object -FilterScript { $_.$property -like $pattern })
            if ($found) {
                $found
            } elseif (-not [System.Management.Automation.WildcardPattern]::ContainsWildcardCharacters($pattern)) {
                $PSCmdlet.WriteError([Rehearsal.Network]::NotFound('MSFT_NetAdapter', $property, $pattern))
            }
        }
    }
}

function Get-NetAdapterBinding {
    [CmdletBinding(DefaultParameterSetName = 'ByName')]
    param()
    [Rehearsal.Network]::Bindings()
}

Export-ModuleMember -Function Get-NetAdapter, Get-NetAdapterBinding
