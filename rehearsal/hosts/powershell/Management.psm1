# Stand-in for what preparing a host needs of Windows' own Management, PKI and WSMan modules: the registry, services, a
# certificate, WinRM's listeners, and powercfg.

function Get-ItemProperty {
    [CmdletBinding(DefaultParameterSetName = 'Path')]
    param(
        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('PSPath')]
        [string[]]$LiteralPath
    )
    process {
        if ($LiteralPath -like '*\FirewallPolicy\FirewallRules') { return [Rehearsal.Records]::FirewallRules() }
        $path = $LiteralPath[0]
        if ($path -match '^[A-Za-z]:' -and (Test-Path -LiteralPath $path)) {  # of a folder; drive C: here has no such flags
            $flags = if ("$([Rehearsal.Pc]::State['compressed'])" -eq 'true') { 'Directory, Compressed' } else { 'Directory' }
            return [pscustomobject]@{ PSPath = $path; Attributes = [System.IO.FileAttributes]$flags }
        }
        [Rehearsal.Records]::All('registry', 'System.Management.Automation.PSCustomObject') |
            Where-Object -FilterScript { $LiteralPath -contains $_.PSPath }
    }
}

function New-ItemProperty {
    [CmdletBinding(DefaultParameterSetName = 'Path', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('PSPath')]
        [string[]]$LiteralPath,

        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, Position = 1,
            ValueFromPipelineByPropertyName = $true)]
        [Alias('PSProperty')]
        [string]$Name,

        [Parameter(ParameterSetName = 'LiteralPath', ValueFromPipelineByPropertyName = $true)]
        [Alias('Type')]
        [string]$PropertyType,

        [Parameter(ParameterSetName = 'LiteralPath', ValueFromPipelineByPropertyName = $true)]
        [object]$Value,

        [Parameter(ParameterSetName = 'LiteralPath')]
        [switch]$Force
    )
    process {
        foreach ($key in $LiteralPath) {
            $there = @(Get-ItemProperty -LiteralPath $key | Where-Object -FilterScript { $null -ne $_.$Name })
            if ($there -and -not $Force) {
                $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                        'The property already exists.', 'System.IO.IOException', 'ResourceExists', $key))
            } elseif ($PSCmdlet.ShouldProcess("$key $Name ($PropertyType)")) {
                [Rehearsal.Records]::Put('registry', $key, @{ PSPath = $key; $Name = $Value })
                Get-ItemProperty -LiteralPath $key
            }
        }
    }
}

function Remove-ItemProperty {
    [CmdletBinding(DefaultParameterSetName = 'Path', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('PSPath')]
        [string[]]$LiteralPath,

        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, Position = 1,
            ValueFromPipelineByPropertyName = $true)]
        [Alias('PSProperty')]
        [string[]]$Name
    )
    process {
        foreach ($key in $LiteralPath) {
            foreach ($one in $Name) {
                if ($PSCmdlet.ShouldProcess("$key $one")) {
                    [Rehearsal.Records]::Put('registry', $key, @{ $one = $null })
                }
            }
        }
    }
}

function Set-Service {
    [CmdletBinding(DefaultParameterSetName = 'Name', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Name', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Alias('ServiceName', 'SN')]
        [string]$Name,

        [Alias('SM', 'ST', 'StartMode')]
        [Microsoft.PowerShell.Commands.ServiceStartMode]$StartupType
    )
    process { if ($PSCmdlet.ShouldProcess($Name)) { [Rehearsal.Services]::Set('start_types', $Name, "$StartupType") } }
}

function Start-Service {
    [CmdletBinding(DefaultParameterSetName = 'InputObject', SupportsShouldProcess = $true)]
    param(
        [Parameter(ParameterSetName = 'Default', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Alias('ServiceName')]
        [string[]]$Name
    )
    process {
        foreach ($one in $Name) {
            if ($PSCmdlet.ShouldProcess($one)) { [Rehearsal.Services]::Set('services', $one, 'Running') }
        }
    }
}

function New-SelfSignedCertificate {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [string]$CertStoreLocation,
        [string]$Subject,
        [string[]]$TextExtension,
        [datetime]$NotAfter,
        [string]$FriendlyName
    )
    if ($PSCmdlet.ShouldProcess("$CertStoreLocation $FriendlyName")) {
        [Rehearsal.Certificates]::Make($Subject, $TextExtension, $NotAfter)
    }
}

function Get-WSManInstance {
    [CmdletBinding(DefaultParameterSetName = 'GetInstance')]
    param(
        [Parameter(ParameterSetName = 'Enumerate', Mandatory = $true, Position = 0, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [Alias('RURI')]
        [uri]$ResourceURI,

        [Parameter(ParameterSetName = 'Enumerate', Mandatory = $true)]
        [switch]$Enumerate
    )
    process { if ($ResourceURI -and $Enumerate) { [Rehearsal.Records]::All('listeners', 'System.Xml.XmlElement') } }
}

function New-WSManInstance {
    [CmdletBinding(DefaultParameterSetName = 'ComputerName')]
    param(
        [Parameter(ParameterSetName = 'ComputerName', Mandatory = $true, Position = 0)]
        [Alias('ruri')]
        [uri]$ResourceURI,

        [Parameter(ParameterSetName = 'ComputerName', Mandatory = $true, Position = 1, ValueFromPipeline = $true)]
        [hashtable]$SelectorSet,

        [Parameter(ParameterSetName = 'ComputerName')]
        [hashtable]$ValueSet
    )
    process {
        $transport = $SelectorSet.Transport
        if ([Rehearsal.Records]::Has('listeners', $transport)) {
            $PSCmdlet.WriteError([Rehearsal.Records]::Error(
                    "The WS-Management service cannot create the resource $ResourceURI because it already exists.",
                    'WsManError', 'InvalidOperation'))
        } else {
            [Rehearsal.Records]::Put('listeners', $transport, @{
                    Transport = $transport; Address = $SelectorSet.Address; Hostname = $ValueSet.Hostname
                    CertificateThumbprint = $ValueSet.CertificateThumbprint })
        }
    }
}

function Remove-WSManInstance {
    [CmdletBinding(DefaultParameterSetName = 'ComputerName')]
    param(
        [Parameter(ParameterSetName = 'ComputerName', Mandatory = $true, Position = 0)]
        [Alias('ruri')]
        [uri]$ResourceURI,

        [Parameter(ParameterSetName = 'ComputerName', Mandatory = $true, Position = 1, ValueFromPipeline = $true,
            ValueFromPipelineByPropertyName = $true)]
        [hashtable]$SelectorSet
    )
    process { if ($ResourceURI) { [Rehearsal.Records]::Remove('listeners', $SelectorSet.Transport) } }
}

# A program, not a cmdlet: `powercfg.exe /change standby-timeout-ac MINUTES`.
function powercfg.exe {
    if ("$($args[0]) $($args[1])" -eq '/change standby-timeout-ac') { [Rehearsal.Services]::SetSleep(60 * $args[2]) }
}

# A folder's rights, as far as whether it takes those of the folder above it.
function Get-Acl {
    [CmdletBinding(DefaultParameterSetName = 'ByPath')]
    param(
        [Parameter(ParameterSetName = 'ByLiteralPath', ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [Alias('PSPath')]
        [string[]]$LiteralPath
    )
    process {
        foreach ($path in $LiteralPath) {
            New-Object -TypeName PSObject -Property @{
                AreAccessRulesProtected = [Rehearsal.Records]::Has('rights', $path) }
        }
    }
}

# A program: `icacls.exe FOLDER /inheritance:r /grant:r *SID:(OI)(CI)F ...`, and `icacls.exe FOLDER /reset`.
function icacls.exe {
    if ($args[1] -eq '/reset') { return [Rehearsal.Records]::Remove('rights', $args[0]) }
    [Rehearsal.Records]::Put('rights', $args[0], @{ granted = "$($args[3..$args.Count])" })
}

# One line a group, as CSV: the level that the rights of this session come to is told by its SID alone.
function whoami.exe {
    $full = [Rehearsal.Rights]::Full
    $level = if ($full) { '12288' } else { '8192' }
    '"BUILTIN\Benutzer","Alias","S-1-5-32-545","Verbindliche Gruppe"'
    '"Verbindliche Beschriftung","Bezeichnung","S-1-16-{0}",""' -f $level
}

Export-ModuleMember -Function *-*, icacls.exe, powercfg.exe, whoami.exe
