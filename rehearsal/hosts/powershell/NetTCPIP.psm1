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

function New-NetIPAddress {
    [CmdletBinding(DefaultParameterSetName = 'ByInterfaceAlias', SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('LocalAddress')]
        [string]$IPAddress,

        [Parameter(ParameterSetName = 'ByInterfaceIndex', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32]$InterfaceIndex,

        [byte]$PrefixLength
    )
    process {
        if ([Rehearsal.Model]::Did($PSCmdlet, $null, $PSBoundParameters)) { Get-NetIPAddress -IPAddress $IPAddress }
    }
}

function Get-NetIPInterface {
    [CmdletBinding(DefaultParameterSetName = 'ByName')]
    param(
        [Parameter(ParameterSetName = 'ByName', ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex,

        [Parameter(ParameterSetName = 'ByName')]
        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPInterface.AddressFamily[]]$AddressFamily
    )
    process {
        if ($AddressFamily -and $AddressFamily -notcontains 'IPv4') { return }
        [Rehearsal.Network]::Interfaces() |
            Where-Object -FilterScript { -not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex }
    }
}

function Set-NetIPInterface {
    [CmdletBinding(DefaultParameterSetName = 'ByName', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'ByName', ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex,

        [Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPInterface.Dhcp]$Dhcp
    )
    process {
        foreach ($index in $InterfaceIndex) { [void][Rehearsal.Model]::Did($PSCmdlet, $index, $PSBoundParameters) }
    }
}

function Get-NetRoute {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string[]]$DestinationPrefix,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32[]]$InterfaceIndex
    )
    process {
        $found = @([Rehearsal.Network]::Routes() | Where-Object -FilterScript {
                (-not $DestinationPrefix -or $DestinationPrefix -contains $_.DestinationPrefix) -and
                (-not $InterfaceIndex -or $InterfaceIndex -contains $_.InterfaceIndex) })
        if (-not $found -and $DestinationPrefix) {
            $PSCmdlet.WriteError([Rehearsal.Network]::NotFound(
                    'MSFT_NetRoute', 'DestinationPrefix', $DestinationPrefix[0]))
        }
        $found
    }
}

function New-NetRoute {
    [CmdletBinding(DefaultParameterSetName = 'ByInterfaceAlias', SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        [string]$DestinationPrefix,

        [Parameter(ParameterSetName = 'ByInterfaceIndex', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('ifIndex')]
        [uint32]$InterfaceIndex,

        [string]$NextHop
    )
    process {
        if ([Rehearsal.Model]::Did($PSCmdlet, $null, $PSBoundParameters)) {
            Get-NetRoute -InterfaceIndex $InterfaceIndex -DestinationPrefix $DestinationPrefix
        }
    }
}

Export-ModuleMember -Function *-Net*
