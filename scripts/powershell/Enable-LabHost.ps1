<#
.SYNOPSIS
Prepares this PC as a host of the lab: Hyper-V, an account, WinRM for it. Run once by hand, as administrator.
.DESCRIPTION
Each step looks first; run again it changes nothing. What cannot be done does not keep the rest from being done. One
list at the end tells what is ok, what was changed, what is not done and why; the exit code is 1 where the lab lacks
that. What was there before is kept in %ProgramData%\hyperv-k8s-lab\host.json, from which -Undo puts things back.
-WhatIf only tells. Of the PC's networks only the lab's is made private: the one that leads out by cable.
WinRM listens with TLS (port 5986), by a certificate made here whose fingerprint is printed: `inv hyperv.trust` shows
the same one. It names this PC, its addresses, localhost and 127.0.0.1; the end tells them. With -Http it listens
without TLS instead (port 5985), where NTLM encrypts the messages. Where a policy has switched NTLM off, `auth: basic`
in the lab's file is the way out, over TLS only; it needs `Set-Item WSMan:\localhost\Service\Auth\Basic $true` here,
which this script leaves.
.PARAMETER User
The local account that the lab logs on with; made when it is missing.
.PARAMETER Password
Its password; asked for, twice, when the account has to be made.
.PARAMETER SetPassword
Give the account that is there another password.
.PARAMETER Address
This PC's address in the lab's file; needed only where several networks lead out by cable.
.PARAMETER LabPath
The folder of the lab's file (vm_path) for machines; closed to other users while nothing is in it.
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
#Requires -PSEdition Desktop
#Requires -RunAsAdministrator
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $User = 'lab',
    [securestring] $Password,
    [switch] $SetPassword,
    [string] $Address,
    [string] $LabPath = 'C:\Lab',
    [switch] $Http,
    [switch] $Undo
)
$ErrorActionPreference = 'Stop'
# The functions that Windows makes from CDXML (Net*) do not see the line above: what they cannot do would pass for done.
$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }

$administrators = 'S-1-5-32-544'  # by SID: the group has another name in every language
$policies = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System'
$filter = 'LocalAccountTokenFilterPolicy'
$sleepAfter = '29f6c1db-86da-48c5-9fdb-f2b67b1f44da'  # the power setting that winnt.h names STANDBYIDLE
$listeners = 'winrm/config/listener'
# The system, Administrators, Hyper-V Administrators, and Hyper-V's machines ("NT VIRTUAL MACHINE\Virtual Machines").
$owners = 'S-1-5-18', 'S-1-5-32-544', 'S-1-5-32-578', 'S-1-5-83-0'
# The first holds the next two, which can be missing all the same; with -All each brings what it is a part of.
$parts = 'Microsoft-Hyper-V', 'Microsoft-Hyper-V-Hypervisor', 'Microsoft-Hyper-V-Services',
'Microsoft-Hyper-V-Management-PowerShell'
$ethernet = 6  # IANA ifType
$folder = "$env:ProgramData\hyperv-k8s-lab"
$transport = if ($Http) { 'HTTP' } else { 'HTTPS' }
$port = if ($Http) { 5985 } else { 5986 }
$rule = "hyperv-k8s-lab-winrm-$port"
$told = @()
$missing = @()
$notes = @()
$lacking = 0
$useless = $false
$record = @{}
if (Test-Path -LiteralPath "$folder\host.json") {
    $kept = ConvertFrom-Json -InputObject (Get-Content -LiteralPath "$folder\host.json" -Raw)
    foreach ($entry in $kept.PSObject.Properties) { $record[$entry.Name] = $entry.Value }
}

function Save-Record {
    if (-not (Test-Path -LiteralPath $folder)) { [void](New-Item -ItemType Directory -Path $folder) }
    Set-Content -LiteralPath "$folder\host.json" -Value (ConvertTo-Json -InputObject $record) -Encoding Ascii
}

# A part of the work: what it cannot do is told at the end, and the next part goes on.
function Invoke-Part {
    param([string] $Name, [scriptblock] $Part, [switch] $Optional)
    $script:doing = $Name  # Set-Step says it more exactly
    try { & $Part } catch {
        $not = if ($Undo) { 'not undone' } else { 'not done' }
        $script:missing += "${not}: ${doing}: $("$($_.Exception.Message)".Trim())"
        if (-not $Optional) { $script:lacking += 1 }
    }
}

function Add-Told {
    param([string] $Line)
    $script:told += $Line
}

# What was there before is written down before it is changed, so that a call that was cut off can be undone as well.
function Set-Step {
    param([string] $What, [bool] $Done, [string] $Key, [object] $Before, [scriptblock] $Change)
    $script:doing = $What
    if ($Done) { return Add-Told -Line "ok: $What" }
    if ($WhatIfPreference) { return Add-Told -Line "would change: $What" }
    if (-not $PSCmdlet.ShouldProcess($env:COMPUTERNAME, $What)) { throw 'it was declined' }
    Write-Progress -Activity 'Preparing this PC for the lab' -Status $What
    if ($Key -and -not $record.ContainsKey($Key)) {
        $record[$Key] = $Before
        Save-Record
    }
    & $Change
    Add-Told -Line "changed: $What"
}

function Undo-Step {
    param([string] $What, [string] $Key, [scriptblock] $Change)
    if (-not $record.ContainsKey($Key)) { return }
    Invoke-Part -Name $What -Part {
        if ($WhatIfPreference) { return Add-Told -Line "would undo: $What" }
        if (-not $PSCmdlet.ShouldProcess($env:COMPUTERNAME, $What)) { throw 'it was declined' }
        & $Change $record[$Key]
        $record.Remove($Key)
        Save-Record
        Add-Told -Line "undone: $What"
    }
}

# A program's failure is no error to PowerShell.
function Assert-Ended {
    param([string] $Program)
    if ($LASTEXITCODE) { throw "$Program failed with code $LASTEXITCODE" }
}

function Get-Fingerprint {
    param([object] $Certificate)
    $hash = [System.Security.Cryptography.SHA256]::Create().ComputeHash($Certificate.RawData)
    [System.BitConverter]::ToString($hash) -replace '-', ':'
}

# The adapters that lead out of this PC.
function Get-OutwardIndex {
    Get-NetRoute -DestinationPrefix '0.0.0.0/0' -ErrorAction SilentlyContinue | ForEach-Object { $_.InterfaceIndex }
}

# The addresses under which other PCs know this one: those on a network with a way out.
function Get-LanAddress {
    $outward = @(Get-OutwardIndex)
    Get-NetIPAddress -AddressFamily IPv4 | Where-Object { $outward -contains $_.InterfaceIndex } |
        ForEach-Object { "$($_.IPAddress)" }
}

# The networks that lead out by cable, or by Hyper-V's adapter above one: no Wi-Fi, no VPN, nothing within this PC.
function Get-CabledNetwork {
    $outward = @(Get-OutwardIndex)
    $cables = @(Get-NetAdapter | Where-Object { [int]$_.InterfaceType -eq $ethernet -and
                ($_.HardwareInterface -or "$($_.ComponentID)" -eq 'vms_mp') } | ForEach-Object { $_.InterfaceIndex })
    Get-NetConnectionProfile |
        Where-Object { $outward -contains $_.InterfaceIndex -and $cables -contains $_.InterfaceIndex }
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

function Get-IdleTime {
    param([string] $Plan)
    Get-CimInstance -Namespace 'root/cimv2/power' -ClassName Win32_PowerSettingDataIndex |
        Where-Object { "$($_.InstanceID)" -like "*{$Plan}\AC\{$sleepAfter}" } |
        ForEach-Object { [int]$_.SettingIndexValue }
}

function Enable-Feature {
    $there = @(Get-WindowsOptionalFeature -Online -FeatureName 'Microsoft-Hyper-V*' |
            Where-Object { $parts -contains $_.FeatureName })
    if (-not $there) {
        $script:useless = $true
        throw 'this edition of Windows has no Hyper-V: Pro, Enterprise or Education is needed'
    }
    $lacks = @($there | Where-Object { 'Enabled', 'EnablePending' -notcontains "$($_.State)" } |
            ForEach-Object { $_.FeatureName })
    $wanted = @($parts | Where-Object { $lacks -contains $_ })  # in this order: the first before what it holds
    Set-Step -What 'the feature Hyper-V' -Done (-not $lacks) -Key feature -Before "$wanted" -Change {
        $made = Enable-WindowsOptionalFeature -Online -FeatureName $wanted -All -NoRestart
        if (@($made | Where-Object { $_.RestartNeeded })) {
            $script:notes += 'RESTART NEEDED: restart this PC; Hyper-V begins to work after that'
        }
    }
    if (@($there | Where-Object { "$($_.State)" -eq 'EnablePending' })) {
        $script:notes += 'RESTART NEEDED: Hyper-V was switched on and waits for a restart of this PC'
    }
    # Asked for only where no restart is pending: until then none can run.
    if (@($there | Where-Object { "$($_.State)" -ne 'Enabled' })) { return }
    if ((Get-CimInstance -ClassName Win32_ComputerSystem).HypervisorPresent) { return }
    $script:doing = 'the hypervisor'
    throw 'Hyper-V is installed and its hypervisor does not run: switch on virtualisation in the firmware; ' +
    'bcdedit /set hypervisorlaunchtype auto; restart this PC'
}

# Hyper-V's cmdlets look their PC up by its name, of which Windows keeps a short form of 15 characters as well.
function Add-NameNote {
    $long = "$((Get-CimInstance -ClassName Win32_ComputerSystem).DNSHostName)"
    if (-not $long -or $long -eq $env:COMPUTERNAME) { return }
    $script:notes += "THE NAME OF THIS PC is $long, and $env:COMPUTERNAME in Windows' short form (15 characters): " +
    'Hyper-V may not find this PC by it. Where `inv` says so: Rename-Computer with a name of at most 15 characters, ' +
    'restart this PC, then run this again'
}

function Get-Account {
    Get-LocalUser | Where-Object { $_.Name -eq $User }
}

function Test-Same {
    param([securestring] $One, [securestring] $Other)
    (New-Object Net.NetworkCredential '', $One).Password -ceq (New-Object Net.NetworkCredential '', $Other).Password
}

# Nobody sees what he types: a slip would show as "wrong password" at the first `inv`, on another PC.
function Read-Secret {
    while ($true) {
        $first = Read-Host -Prompt "Password for $User" -AsSecureString
        if ($first.Length -eq 0) {
            Write-Warning -Message 'Windows lets nobody in over the network without a password: it cannot be empty'
            continue
        }
        if (Test-Same -One $first -Other (Read-Host -Prompt 'The same again' -AsSecureString)) { return $first }
        Write-Warning -Message 'the two differ: once more'
    }
}

function Get-Secret {
    if (-not $Password) { return Read-Secret }
    if ($Password.Length -eq 0) { throw 'the password is empty: Windows lets nobody in over the network without one' }
    $Password
}

function Enable-Account {
    $there = [bool](Get-Account)
    Set-Step -What "the account $User" -Done $there -Key account -Before $User -Change {
        [void](New-LocalUser -Name $User -Password (Get-Secret) -PasswordNeverExpires -Description 'hyperv-k8s-lab')
    }
    if (-not $there -or -not $SetPassword) { return }
    Set-Step -What "the password of $User" -Done $false -Change {
        Set-LocalUser -Name $User -Password (Get-Secret)
    }
}

function Enable-Administrator {
    $known = Get-Account
    # It fails where a member's account is gone: then adding decides.
    $members = @(Get-LocalGroupMember -SID $administrators -ErrorAction SilentlyContinue)
    $member = [bool]$known -and @($members | ForEach-Object { "$($_.SID)" }) -contains "$($known.SID)"
    Set-Step -What "$User in Administrators" -Done $member -Key member -Before $User -Change {
        try { Add-LocalGroupMember -SID $administrators -Member $User }
        catch { if ("$($_.FullyQualifiedErrorId)" -notlike 'MemberExists*') { throw } }
    }
}

function Enable-FullRights {
    $before = (Get-ItemProperty -LiteralPath $policies).$filter
    $what = "full rights of local accounts over the network ($filter)"
    Set-Step -What $what -Done ($before -eq 1) -Key filter -Before $before -Change {
        [void](New-ItemProperty -LiteralPath $policies -Name $filter -Value 1 -PropertyType DWord -Force)
    }
}

# The lab's network alone: a public one closes itself to other PCs. The PC's other networks are its owner's business.
function Enable-Network {
    if ($Address) {
        $index = @(Get-NetIPAddress -IPAddress $Address -ErrorAction SilentlyContinue)[0].InterfaceIndex
        if (-not $index) { throw "this PC has no address $Address; it has $(@(Get-LanAddress) -join ', ')" }
        $lans = @(Get-NetConnectionProfile | Where-Object { $_.InterfaceIndex -eq $index })
    } else { $lans = @(Get-CabledNetwork) }
    $public = @($lans | Where-Object { "$($_.NetworkCategory)" -eq 'Public' })
    if ($public -and $lans.Count -gt 1) {
        $choices = foreach ($lan in $lans) {
            @(Get-NetIPAddress -InterfaceIndex $lan.InterfaceIndex -AddressFamily IPv4)[0].IPAddress
        }
        throw "several lead out by cable: run this again with -Address $(@($choices) -join ' or -Address ')"
    }
    if (-not $lans) { return Add-Told -Line 'ok: no network leads out by cable, so none is made private' }
    $lan = $lans[0]
    $what = "the network on $($lan.InterfaceAlias) is private"
    # A policy may hold it public, or Windows cannot identify it: the lab does without, its port is open there too.
    Invoke-Part -Name $what -Optional -Part {
        Set-Step -What $what -Done (-not $public) -Key "profile $($lan.InterfaceAlias)" -Before 'Public' -Change {
            Set-NetConnectionProfile -InterfaceIndex $lan.InterfaceIndex -NetworkCategory Private
        }
    }
}

function Enable-Port {
    $there = [bool](Get-NetFirewallRule -Name $rule -ErrorAction SilentlyContinue)  # by name: to list all takes minutes
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
}

# 127.0.0.1 and localhost too, for a lab on this PC alone: its `inv` runs here.
function Get-WantedName {
    "DNS=$env:COMPUTERNAME"
    'DNS=localhost'
    @(Get-LanAddress) + '127.0.0.1' + $Address | Where-Object { $_ } | Sort-Object -Unique |
        ForEach-Object { "IPAddress=$_" }
}

function Test-Listener {
    param([object] $Listener, [string[]] $Name)
    if (-not $Listener -or $Http) { return [bool]$Listener }
    $named = "$($record['certificate'].names)" -split '&'
    # One that names more than is needed is kept: a VPN that goes is no reason to trust another certificate.
    "$($Listener.CertificateThumbprint)" -eq $record['certificate'].thumbprint -and
    -not @($Name | Where-Object { $named -notcontains $_ })
}

function Enable-Listener {
    $what = "WinRM over $transport on port $port"
    if ("$((Get-Service -Name WinRM).Status)" -ne 'Running') {  # its listeners cannot be asked for
        if ($WhatIfPreference) { return Add-Told -Line "would change: $what" }
        $script:doing = $what
        throw 'the service WinRM does not run'
    }
    $names = @(Get-WantedName)
    $listener = Get-Listener -By $transport
    $good = Test-Listener -Listener $listener -Name $names
    $before = "$($listener.CertificateThumbprint)"
    Set-Step -What $what -Done $good -Key "listener $transport" -Before $before -Change {
        if ($Http) {
            [void](New-WSManInstance -ResourceURI $listeners -SelectorSet @{ Address = '*'; Transport = 'HTTP' })
        } else { Set-Certificate -Name ($names -join '&') }
    }
}

function Set-Certificate {
    param([string] $Name)
    $made = New-SelfSignedCertificate -CertStoreLocation Cert:\LocalMachine\My -Subject "CN=$env:COMPUTERNAME" `
        -FriendlyName 'hyperv-k8s-lab' -TextExtension "2.5.29.17={text}$Name" -NotAfter (Get-Date).AddYears(10)
    $old = $record['certificate'].thumbprint
    $print = Get-Fingerprint -Certificate $made
    $record['certificate'] = @{ thumbprint = $made.Thumbprint; names = $Name; fingerprint = $print }
    Save-Record
    Add-SecureListener -Thumbprint $made.Thumbprint
    if ($old) {
        Remove-Item -LiteralPath "Cert:\LocalMachine\My\$old"
        $script:notes += 'THE CERTIFICATE IS ANOTHER ONE NOW: `inv hyperv.trust` must trust it anew, wherever inv is ' +
        'typed'
    }
}

function Disable-Sleep {
    $plan = Get-CimInstance -Namespace 'root/cimv2/power' -ClassName Win32_PowerPlan | Where-Object { $_.IsActive }
    $activePlan = "$($plan.InstanceID)" -replace '^.*\{(.*)\}$', '$1'
    $before = @(Get-IdleTime -Plan $activePlan)[0]
    Set-Step -What 'no sleep while plugged in' -Done ($before -eq 0) -Key sleep -Before $before -Change {
        powercfg.exe /change standby-timeout-ac 0
        Assert-Ended -Program powercfg
    }
}

# On drive C: every user of a PC may read a new folder; this one will hold the machines' disks and the bootstrap
# server's host key. One that holds something, or has rights of its own, stays as it is.
function Protect-Folder {
    $there = Test-Path -LiteralPath $LabPath
    $closed = $there -and (Get-Acl -LiteralPath $LabPath).AreAccessRulesProtected
    $what = "the folder $LabPath is closed to other users of this PC"
    $script:doing = $what
    if ($there -and -not $closed -and @(Get-ChildItem -LiteralPath $LabPath -Force)) {
        throw 'something is in it already; the lab works all the same'
    }
    Set-Step -What $what -Done $closed -Key "folder $LabPath" -Before $there -Change {
        if (-not $there) { [void](New-Item -ItemType Directory -Path $LabPath) }
        $grants = $owners | ForEach-Object { "*${_}:(OI)(CI)F" }
        [void](icacls.exe $LabPath /inheritance:r /grant:r $grants)
        Assert-Ended -Program icacls
    }
}

function Undo-Profile {
    param([string] $Key)
    $was = $Key.Substring(8)  # its adapter's name; in records of earlier versions its index
    $found = @(Get-NetConnectionProfile |
            Where-Object { "$($_.InterfaceAlias)", "$($_.InterfaceIndex)" -contains $was })
    # A switch that was made meanwhile took the network over: it is the one that leads out now.
    if (-not $found) { $found = @(Get-CabledNetwork) }
    if ($found.Count -ne 1) { throw "the network of $was is not connected; made private, it stays so" }
    if ("$($found[0].NetworkCategory)" -ne 'Private') { return }
    Set-NetConnectionProfile -InterfaceIndex $found[0].InterfaceIndex -NetworkCategory $record[$Key]
}

function Undo-Folder {
    param([string] $Path, [bool] $Was)
    if (-not (Test-Path -LiteralPath $Path)) { return }
    [void](icacls.exe $Path /reset)
    Assert-Ended -Program icacls
    if (-not $Was -and -not @(Get-ChildItem -LiteralPath $Path -Force)) { Remove-Item -LiteralPath $Path }
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
        Undo-Step -What "TCP port $number" -Key "rule $number" -Change {
            param($was)
            if (Get-NetFirewallRule -Name $was -ErrorAction SilentlyContinue) { Remove-NetFirewallRule -Name $was }
        }
    }
    foreach ($key in @($record.Keys | Where-Object { "$_" -like 'profile *' })) {
        Undo-Step -What "the network's profile" -Key $key -Change { Undo-Profile -Key $key }
    }
    Undo-Step -What $filter -Key filter -Change {
        param($was)
        if ($null -eq $was) { Remove-ItemProperty -LiteralPath $policies -Name $filter }
        else { [void](New-ItemProperty -LiteralPath $policies -Name $filter -Value $was -PropertyType DWord -Force) }
    }
    Undo-Step -What "the account's rights" -Key member -Change {
        param($was) Remove-LocalGroupMember -SID $administrators -Member $was -ErrorAction SilentlyContinue
    }
    Undo-Step -What 'the account' -Key account -Change {
        param($was) Get-LocalUser | Where-Object { $_.Name -eq $was } | ForEach-Object { Remove-LocalUser -Name $was }
    }
    Undo-Step -What 'sleep' -Key sleep -Change { param($was) powercfg.exe /change standby-timeout-ac ([int]$was / 60) }
    Undo-Step -What 'the service WinRM' -Key service -Change { param($was) Set-Service -Name WinRM -StartupType $was }
    foreach ($key in @($record.Keys | Where-Object { "$_" -like 'folder *' })) {
        Undo-Step -What 'the folder' -Key $key -Change { param($was) Undo-Folder -Path $key.Substring(7) -Was $was }
    }
    Undo-Step -What 'the feature Hyper-V' -Key feature -Change {
        param($was)
        # What this script switched on; earlier versions kept the one feature's state instead.
        $names = @("$was" -split ' ' | Where-Object { $parts -contains $_ })
        if (-not $names) { $names = $parts[0] }
        [void](Disable-WindowsOptionalFeature -Online -FeatureName $names -NoRestart)
        $script:notes += 'RESTART NEEDED: restart this PC'
    }
}

function Enable-All {
    Invoke-Part -Name 'the feature Hyper-V' -Part { Enable-Feature }
    if ($useless) { return }
    Invoke-Part -Name 'the name of this PC' -Part { Add-NameNote } -Optional
    Invoke-Part -Name "the account $User" -Part { Enable-Account }
    Invoke-Part -Name "$User in Administrators" -Part { Enable-Administrator }
    Invoke-Part -Name $filter -Part { Enable-FullRights }
    Invoke-Part -Name 'the network is private' -Part { Enable-Network }
    Invoke-Part -Name "TCP port $port" -Part { Enable-Port }
    Invoke-Part -Name 'the service WinRM' -Part { Enable-WinRm }
    Invoke-Part -Name "WinRM over $transport" -Part { Enable-Listener }
    Invoke-Part -Name 'no sleep while plugged in' -Part { Disable-Sleep }
    Invoke-Part -Name "the folder $LabPath" -Part { Protect-Folder } -Optional
}

function Get-Trust {
    $names = "$($record['certificate'].names)" -replace '(DNS|IPAddress)=' -replace '&', ', '
    "the certificate names ${names}: the address in the lab's file has to be one of these"
    "the certificate's fingerprint (SHA-256): $($record['certificate'].fingerprint)"
}

if ($Undo) { Undo-All } else { Enable-All }
$told
$missing
$notes
if ($lacking) { "$lacking of these the lab needs: put right what hinders, then run this again" }
if (-not $Undo -and -not $Http -and $record['certificate']) { Get-Trust }
if ($lacking) { exit 1 }
