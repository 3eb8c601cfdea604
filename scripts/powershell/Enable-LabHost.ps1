<#
.SYNOPSIS
Prepares this PC as a host of the lab: Hyper-V, an account, WinRM for it. Run once by hand, as administrator.
.DESCRIPTION
Each step looks first and says ok or changed; run again it changes nothing. What was there before is kept in
%ProgramData%\hyperv-k8s-lab\host.json, from which -Undo puts things back. -WhatIf only tells.
WinRM listens with TLS (port 5986), by a certificate made here whose fingerprint is printed: `inv hyperv.trust` shows
the same one. It names this PC, its addresses, localhost and 127.0.0.1. With -Http it listens without TLS instead
(port 5985), where NTLM encrypts the messages. Where a policy has switched NTLM off, `auth: basic` in the lab's file is
the way out, over TLS only; it needs `Set-Item WSMan:\localhost\Service\Auth\Basic $true` here, which this script leaves.
.PARAMETER User
The local account that the lab logs on with; made when it is missing.
.PARAMETER Password
Its password; asked for when the account has to be made.
.PARAMETER Http
NTLM over HTTP instead of HTTPS.
.PARAMETER Undo
Put everything back that this script changed.
.EXAMPLE
.\Enable-LabHost.ps1 -WhatIf
.EXAMPLE
.\Enable-LabHost.ps1
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $User = 'lab',
    [securestring] $Password,
    [switch] $Http,
    [switch] $Undo
)
$ErrorActionPreference = 'Stop'

$administrators = 'S-1-5-32-544'  # by SID: the group has another name in every language
$policies = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System'
$filter = 'LocalAccountTokenFilterPolicy'
$sleepAfter = '29f6c1db-86da-48c5-9fdb-f2b67b1f44da'  # the power setting that winnt.h names STANDBYIDLE
$listeners = 'winrm/config/listener'
$folder = "$env:ProgramData\hyperv-k8s-lab"
$transport = if ($Http) { 'HTTP' } else { 'HTTPS' }
$port = if ($Http) { 5985 } else { 5986 }
$rule = "hyperv-k8s-lab-winrm-$port"
$record = @{}
if (Test-Path -LiteralPath "$folder\host.json") {
    $kept = ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$folder\host.json" -Raw)
    foreach ($entry in $kept.PSObject.Properties) { $record[$entry.Name] = $entry.Value }
}

function Save-Record {
    if (-not (Test-Path -LiteralPath $folder)) { [void](New-Item -ItemType Directory -Path $folder) }
    Set-Content -LiteralPath "$folder\host.json" -Value (ConvertTo-Json -InputObject $record) -Encoding Ascii
}

# What was there before is written down before it is changed, so that a call that was cut off can be undone as well.
function Set-Step {
    param([string] $What, [bool] $Done, [string] $Key, [object] $Before, [scriptblock] $Change)
    if ($Done) { return "ok: $What" }
    if (-not $PSCmdlet.ShouldProcess($env:COMPUTERNAME, $What)) { return }
    if (-not $record.ContainsKey($Key)) {
        $record[$Key] = $Before
        Save-Record
    }
    & $Change
    "changed: $What"
}

function Undo-Step {
    param([string] $What, [string] $Key, [scriptblock] $Change)
    if (-not $record.ContainsKey($Key)) { return }
    if (-not $PSCmdlet.ShouldProcess($env:COMPUTERNAME, $What)) { return }
    & $Change $record[$Key]
    $record.Remove($Key)
    Save-Record
    "undone: $What"
}

function Get-Fingerprint {
    param([object] $Certificate)
    $hash = [System.Security.Cryptography.SHA256]::Create().ComputeHash($Certificate.RawData)
    [System.BitConverter]::ToString($hash) -replace '-', ':'
}

# The addresses under which other PCs know this one: those on a network with a way out.
function Get-LanAddress {
    $outward = @(Get-NetRoute -DestinationPrefix '0.0.0.0/0' -ErrorAction SilentlyContinue |
            ForEach-Object { $_.InterfaceIndex })
    Get-NetIPAddress -AddressFamily IPv4 | Where-Object { $outward -contains $_.InterfaceIndex } |
        ForEach-Object { "$($_.IPAddress)" }
}

function Get-Listener {
    param([string] $By)
    Get-WSManInstance -ResourceURI $listeners -Enumerate | Where-Object { "$($_.Transport)" -eq $By }
}

function Remove-Listener {
    param([string] $By)
    if (Get-Listener -By $By) {
        Remove-WSManInstance -ResourceURI $listeners -SelectorSet @{ Address = '*'; Transport = $By }
    }
}

function Add-SecureListener {
    param([string] $Thumbprint)
    Remove-Listener -By HTTPS
    [void](New-WSManInstance -ResourceURI $listeners -SelectorSet @{ Address = '*'; Transport = 'HTTPS' } `
            -ValueSet @{ Hostname = $env:COMPUTERNAME; CertificateThumbprint = $Thumbprint })
}

function Get-SleepTime {
    Get-CimInstance -Namespace 'root/cimv2/power' -ClassName Win32_PowerSettingDataIndex |
        Where-Object { "$($_.InstanceID)" -like "*{$activePlan}\AC\{$sleepAfter}" } |
        ForEach-Object { [int]$_.SettingIndexValue }
}

function Enable-Feature {
    $feature = Get-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V
    if (-not $feature) {
        Write-Error -Message 'this edition of Windows has no Hyper-V: Pro, Enterprise or Education is needed'
    }
    $there = @('Enabled', 'EnablePending') -contains "$($feature.State)"
    Set-Step -What 'the feature Hyper-V' -Done $there -Key feature -Before "$($feature.State)" -Change {
        $made = Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All -NoRestart
        if ($made.RestartNeeded) { 'RESTART NEEDED: restart this PC; Hyper-V begins to work after that' }
    }
    if ("$($feature.State)" -eq 'EnablePending') {
        'RESTART NEEDED: Hyper-V was switched on and waits for a restart of this PC'
    }
}

function Enable-Account {
    $there = @(Get-LocalUser | Where-Object { $_.Name -eq $User }).Count -gt 0
    Set-Step -What "the account $User" -Done $there -Key account -Before $User -Change {
        $secret = if ($Password) { $Password } else { Read-Host -Prompt "Password for $User" -AsSecureString }
        [void](New-LocalUser -Name $User -Password $secret -PasswordNeverExpires -Description 'hyperv-k8s-lab')
    }
    $known = Get-LocalUser | Where-Object { $_.Name -eq $User }
    # It fails where a member's account is gone: then adding decides.
    $members = @(Get-LocalGroupMember -SID $administrators -ErrorAction SilentlyContinue)
    $member = [bool]$known -and @($members | ForEach-Object { "$($_.SID)" }) -contains "$($known.SID)"
    Set-Step -What "$User in Administrators" -Done $member -Key member -Before $User -Change {
        try { Add-LocalGroupMember -SID $administrators -Member $User }
        catch { if ("$($_.FullyQualifiedErrorId)" -notlike 'MemberExists*') { throw } }
    }
    $before = (Get-ItemProperty -LiteralPath $policies).$filter
    $what = "full rights of local accounts over the network ($filter)"
    Set-Step -What $what -Done ($before -eq 1) -Key filter -Before $before -Change {
        [void](New-ItemProperty -LiteralPath $policies -Name $filter -Value 1 -PropertyType DWord -Force)
    }
}

function Enable-Network {
    foreach ($lan in @(Get-NetConnectionProfile)) {
        $private = "$($lan.NetworkCategory)" -ne 'Public'
        $key = "profile $($lan.InterfaceIndex)"
        $what = "the network on $($lan.InterfaceAlias) is private"
        Set-Step -What $what -Done $private -Key $key -Before 'Public' -Change {
            Set-NetConnectionProfile -InterfaceIndex $lan.InterfaceIndex -NetworkCategory Private
        }
    }
    $there = @(Get-NetFirewallRule | Where-Object { $_.Name -eq $rule }).Count -gt 0
    Set-Step -What "TCP port $port open to the local subnet" -Done $there -Key "rule $port" -Before $rule -Change {
        [void](New-NetFirewallRule -Name $rule -DisplayName "hyperv-k8s-lab: WinRM over $transport" -Direction Inbound `
                -Protocol TCP -LocalPort $port -RemoteAddress LocalSubnet -Action Allow -Profile Any)
    }
}

function Enable-WinRm {
    $service = Get-Service -Name WinRM
    $ready = "$($service.Status)" -eq 'Running' -and "$($service.StartType)" -eq 'Automatic'
    $before = "$($service.StartType)"
    Set-Step -What 'the service WinRM, at every start' -Done $ready -Key service -Before $before -Change {
        Set-Service -Name WinRM -StartupType Automatic
        Start-Service -Name WinRM
    }
    if ("$((Get-Service -Name WinRM).Status)" -ne 'Running') { return }  # -WhatIf: its listeners cannot be asked for
    # 127.0.0.1 and localhost too, for a lab on this PC alone: its `inv` runs here. Sorted, since Windows lists addresses in
    # no order of its own and another text would make another certificate.
    $addresses = @(Get-LanAddress) + '127.0.0.1' | Sort-Object -Unique | ForEach-Object { "IPAddress=$_" }
    $names = @("DNS=$env:COMPUTERNAME", 'DNS=localhost') + $addresses -join '&'
    $listener = Get-Listener -By $transport
    $good = [bool]$listener -and ($Http -or ($record['certificate'].names -eq $names -and
            "$($listener.CertificateThumbprint)" -eq $record['certificate'].thumbprint))
    $before = "$($listener.CertificateThumbprint)"
    $key = "listener $transport"
    Set-Step -What "WinRM over $transport on port $port" -Done $good -Key $key -Before $before -Change {
        if ($Http) {
            [void](New-WSManInstance -ResourceURI $listeners -SelectorSet @{ Address = '*'; Transport = 'HTTP' })
            return
        }
        $made = New-SelfSignedCertificate -CertStoreLocation Cert:\LocalMachine\My -Subject "CN=$env:COMPUTERNAME" `
            -FriendlyName 'hyperv-k8s-lab' -TextExtension "2.5.29.17={text}$names" -NotAfter (Get-Date).AddYears(10)
        $old = $record['certificate'].thumbprint
        $print = Get-Fingerprint -Certificate $made
        $record['certificate'] = @{ thumbprint = $made.Thumbprint; names = $names; fingerprint = $print }
        Save-Record
        Add-SecureListener -Thumbprint $made.Thumbprint
        if ($old) {
            Remove-Item -LiteralPath "Cert:\LocalMachine\My\$old"
            'THE CERTIFICATE IS ANOTHER ONE NOW: `inv hyperv.trust` must trust it anew, wherever inv is typed'
        }
    }
    if (-not $Http -and $record['certificate']) {
        "the certificate's fingerprint (SHA-256): $($record['certificate'].fingerprint)"
    }
}

function Disable-Sleep {
    $before = @(Get-SleepTime)[0]
    Set-Step -What 'no sleep while plugged in' -Done ($before -eq 0) -Key sleep -Before $before -Change {
        powercfg.exe /change standby-timeout-ac 0
    }
}

# Asked for only where no restart is pending: until then none can run.
function Confirm-Hypervisor {
    $feature = Get-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V
    if ("$($feature.State)" -ne 'Enabled') { return }
    if ((Get-CimInstance -ClassName Win32_ComputerSystem).HypervisorPresent) { return }
    'Hyper-V is installed and its hypervisor does not run: switch on virtualisation in the firmware; ' +
    'bcdedit /set hypervisorlaunchtype auto; restart this PC'
}

function Undo-All {
    foreach ($by in 'HTTPS', 'HTTP') {
        Undo-Step -What "WinRM over $by" -Key "listener $by" -Change {
            param($was) if ($was) { Add-SecureListener -Thumbprint $was } else { Remove-Listener -By $by }
        }
    }
    Undo-Step -What 'the certificate' -Key certificate -Change {
        param($was) Remove-Item -LiteralPath "Cert:\LocalMachine\My\$($was.thumbprint)" -ErrorAction SilentlyContinue
    }
    foreach ($number in 5986, 5985) {
        Undo-Step -What "TCP port $number" -Key "rule $number" -Change { param($was) Remove-NetFirewallRule -Name $was }
    }
    foreach ($key in @($record.Keys | Where-Object { "$_" -like 'profile *' })) {
        Undo-Step -What "the network's profile" -Key $key -Change {
            param($was) Set-NetConnectionProfile -InterfaceIndex ([uint32]$key.Substring(8)) -NetworkCategory $was
        }
    }
    Undo-Step -What $filter -Key filter -Change {
        param($was)
        if ($null -eq $was) { Remove-ItemProperty -LiteralPath $policies -Name $filter }
        else { [void](New-ItemProperty -LiteralPath $policies -Name $filter -Value $was -PropertyType DWord -Force) }
    }
    Undo-Step -What "the account's rights" -Key member -Change {
        param($was) Remove-LocalGroupMember -SID $administrators -Member $was -ErrorAction SilentlyContinue
    }
    Undo-Step -What 'the account' -Key account -Change { param($was) Remove-LocalUser -Name $was }
    Undo-Step -What 'sleep' -Key sleep -Change { param($was) powercfg.exe /change standby-timeout-ac ([int]$was / 60) }
    Undo-Step -What 'the service WinRM' -Key service -Change { param($was) Set-Service -Name WinRM -StartupType $was }
    Undo-Step -What 'the feature Hyper-V' -Key feature -Change {
        [void](Disable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -NoRestart)
        'RESTART NEEDED: restart this PC'
    }
}

$plan = Get-CimInstance -Namespace 'root/cimv2/power' -ClassName Win32_PowerPlan | Where-Object { $_.IsActive }
$activePlan = "$($plan.InstanceID)" -replace '^.*\{(.*)\}$', '$1'
if ($Undo) { return Undo-All }
Enable-Feature
Enable-Account
Enable-Network
Enable-WinRm
Disable-Sleep
Confirm-Hypervisor
