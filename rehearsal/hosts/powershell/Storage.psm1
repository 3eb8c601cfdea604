# Stand-in for the parts of Windows' Storage module that the lab uses: functions there too, made from CDXML.

function Get-Volume {
    [CmdletBinding(DefaultParameterSetName = 'ByDriveLetter')]
    param(
        [Parameter(ParameterSetName = 'ByDriveLetter', Position = 0, ValueFromPipelineByPropertyName = $true)]
        [char[]]$DriveLetter
    )
    process {
        $all = [Rehearsal.Network]::Volumes()
        if (-not $DriveLetter) {
            return $all
        }
        foreach ($letter in $DriveLetter) {
            $found = @($all | Where-Object -FilterScript { $_.DriveLetter -eq $letter })
            if (-not $found) {
                $PSCmdlet.WriteError([Rehearsal.Network]::NotFound('MSFT_Volume', 'DriveLetter', $letter))
            }
            $found
        }
    }
}

Export-ModuleMember -Function Get-Volume
