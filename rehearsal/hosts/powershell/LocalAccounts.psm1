# Stand-in for the parts of Windows' LocalAccounts module that preparing a host uses.

function Get-LocalUser {
    [CmdletBinding(DefaultParameterSetName = 'Default')]
    param()
    [Rehearsal.Records]::All('users', 'Microsoft.PowerShell.Commands.LocalUser')
}

function New-LocalUser {
    [CmdletBinding(DefaultParameterSetName = 'Password', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Password', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [string]$Name,

        [Parameter(ParameterSetName = 'Password', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [securestring]$Password,

        [Parameter(ParameterSetName = 'Password', ValueFromPipelineByPropertyName = $true)]
        [switch]$PasswordNeverExpires,

        [Parameter(ParameterSetName = 'Password', ValueFromPipelineByPropertyName = $true)]
        [string]$Description
    )
    process {
        if ([Rehearsal.Records]::Has('users', $Name)) {
            $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                    "User $Name already exists.", 'UserExists', 'ResourceExists'))
        } elseif ($Password.Length -lt [Rehearsal.Rights]::PasswordLength) {
            $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                    'Unable to update the password. The value provided for the new password does not meet the length, ' +
                    'complexity, or history requirements of the domain.', 'InvalidPassword', 'InvalidOperation', $Name))
        } elseif ($PSCmdlet.ShouldProcess($Name)) {
            [Rehearsal.Records]::Put('users', $Name, @{
                    Name = $Name; SID = "S-1-5-21-1-2-3-$(1001 + @(Get-LocalUser).Count)"; Description = $Description
                    PasswordNeverExpires = [bool]$PasswordNeverExpires
                    Password = [System.Net.NetworkCredential]::new('', $Password).Password })
            Get-LocalUser | Where-Object -FilterScript { $_.Name -eq $Name }
        }
    }
}

function Set-LocalUser {
    [CmdletBinding(DefaultParameterSetName = 'Name', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Name', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [string]$Name,

        [securestring]$Password
    )
    process {
        if ($PSCmdlet.ShouldProcess($Name)) {
            [Rehearsal.Records]::Put('users', $Name, @{
                    Password = [System.Net.NetworkCredential]::new('', $Password).Password })
        }
    }
}

function Remove-LocalUser {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Default', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [string[]]$Name
    )
    process {
        foreach ($one in $Name) {
            if (-not [Rehearsal.Records]::Has('users', $one)) {
                $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                        "User $one was not found.", 'UserNotFound', 'ObjectNotFound', $one))
            } elseif ($PSCmdlet.ShouldProcess($one)) {
                [Rehearsal.Records]::Remove('users', $one)
            }
        }
    }
}

function Get-LocalGroupMember {
    [CmdletBinding(DefaultParameterSetName = 'Default')]
    param(
        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Microsoft.PowerShell.Commands.SecurityIdentifier]$SID
    )
    process {
        $members = @([Rehearsal.Records]::All("members $SID", 'Microsoft.PowerShell.Commands.LocalPrincipal'))
        $members | Where-Object -FilterScript { [Rehearsal.Records]::Has('users', $_.Name) }
    }
}

function Add-LocalGroupMember {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 0)]
        [Microsoft.PowerShell.Commands.SecurityIdentifier]$SID,

        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 1, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Microsoft.PowerShell.Commands.LocalPrincipal[]]$Member
    )
    process {
        foreach ($one in $Member) {
            $user = Get-LocalUser | Where-Object -FilterScript { $_.Name -eq "$one" }
            if (-not $user) {
                $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                        "Principal $one was not found.", 'PrincipalNotFound', 'ObjectNotFound', $one))
            } elseif ([Rehearsal.Records]::Has("members $SID", "$one")) {
                $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                        "$one is already a member of group $SID.", 'MemberExists', 'ResourceExists', "$SID"))
            } elseif ($PSCmdlet.ShouldProcess("$SID", "Add member $one")) {
                [Rehearsal.Records]::Put("members $SID", "$one", @{ Name = "$one"; SID = $user.SID })
            }
        }
    }
}

function Remove-LocalGroupMember {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 0)]
        [Microsoft.PowerShell.Commands.SecurityIdentifier]$SID,

        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 1, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Microsoft.PowerShell.Commands.LocalPrincipal[]]$Member
    )
    process {
        foreach ($one in $Member) {
            if ($PSCmdlet.ShouldProcess("$SID", "Remove member $one")) {
                [Rehearsal.Records]::Remove("members $SID", "$one")
            }
        }
    }
}

Export-ModuleMember -Function *-Local*
