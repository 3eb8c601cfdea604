# Stand-in for the parts of Windows' NetTCPIP module that the lab uses: functions there too, made from CDXML.

function Get-NetIPAddress {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('LocalAddress')]
        [string[]]$IPAddress,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('ifAlias')]
        [string[]]$InterfaceAlias,

        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPAddress.AddressFamily[]]$AddressFamily
    )
    process {
        $found = @([Rehearsal.Network]::Addresses() | Where-Object -FilterScript {
                (-not $IPAddress -or $IPAddress -contains $_.IPAddress) -and
                (-not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex) -and
                (-not $InterfaceAlias -or $InterfaceAlias -contains $_.InterfaceAlias) -and
                (-not $AddressFamily -or $AddressFamily -contains $_.AddressFamily)
            })
        if (-not $found -and $InterfaceAlias) {
            $record = [Rehearsal.Network]::NotFound('MSFT_NetIPAddress', 'InterfaceAlias', $InterfaceAlias[0])
            $PSCmdlet.WriteError($record)
        }
        $found
    }
}

function Get-NetNeighbor {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string[]]$IPAddress,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex,

        [string[]]$LinkLayerAddress
    )
    process {
        [Rehearsal.Network]::Neighbors() | Where-Object -FilterScript {
            (-not $IPAddress -or $IPAddress -contains $_.IPAddress) -and
            (-not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex) -and
            (-not $LinkLayerAddress -or $LinkLayerAddress -contains $_.LinkLayerAddress)
        }
    }
}

function Get-NetRoute {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string[]]$DestinationPrefix
    )
    process {
        $found = @([Rehearsal.Network]::Routes() | Where-Object -FilterScript {
                -not $DestinationPrefix -or $DestinationPrefix -contains $_.DestinationPrefix })
        if (-not $found -and $DestinationPrefix) {
            $PSCmdlet.WriteError([Rehearsal.Network]::NotFound(
                    'MSFT_NetRoute', 'DestinationPrefix', $DestinationPrefix[0]))
        }
        $found
    }
}

Export-ModuleMember -Function Get-NetIPAddress, Get-NetNeighbor, Get-NetRoute
