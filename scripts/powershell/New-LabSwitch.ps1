<#
.SYNOPSIS
Makes the lab's virtual switches on one PC; an External one by a task, since the PC's network pauses meanwhile.
.DESCRIPTION
README.md in this folder describes VirtualSwitch and the answer. Only switches that are missing are made, and none that
somebody else made is changed. The task runs Invoke-LabSwitch.ps1 as SYSTEM, also after a restart of the PC; its files
lie in Program Files, where nobody but an administrator may write.
.PARAMETER Lab
The lab's name.
.PARAMETER VirtualSwitch
The switches.
.PARAMETER Peer
IPv4 addresses of others on that LAN, besides the PC's gateway: one of them has to answer, before and after.
.PARAMETER Seconds
After so many without a confirmation the PC takes the switch away again.
.PARAMETER Program
The text of Invoke-LabSwitch.ps1.
.EXAMPLE
.\New-LabSwitch.ps1 -Lab lab-7e57 -VirtualSwitch (Get-Content .\switches.json -Raw | ConvertFrom-Json) `
    -Peer 192.0.2.12 -Seconds 180 -Program (Get-Content .\Invoke-LabSwitch.ps1 -Raw)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $VirtualSwitch,
    [string[]] $Peer,
    [Parameter(Mandatory = $true)] [int] $Seconds,
    [string] $Program
)
$ErrorActionPreference = 'Stop'

$folder = "$env:ProgramFiles\hyperv-k8s-lab"
$task = 'hyperv-k8s-lab-switch'

function Get-Before {
    param([uint32] $Index)
    $ip = @{ InterfaceIndex = $Index; AddressFamily = 'IPv4' }
    $gateways = @(Get-NetRoute -InterfaceIndex $Index -DestinationPrefix '0.0.0.0/0' -ErrorAction SilentlyContinue |
            ForEach-Object { "$($_.NextHop)" })
    $lan = @(Get-NetConnectionProfile -InterfaceIndex $Index -ErrorAction SilentlyContinue)[0]
    @{ dhcp = "$((Get-NetIPInterface @ip).Dhcp)" -eq 'Enabled'; gateways = $gateways
        addresses = @(Get-NetIPAddress @ip -ErrorAction SilentlyContinue |
                ForEach-Object { @{ address = "$($_.IPAddress)"; prefix = [int]$_.PrefixLength } })
        dns = @((Get-DnsClientServerAddress @ip).ServerAddresses | Where-Object { $_ } | ForEach-Object { "$_" })
        profile = "$($lan.NetworkCategory)" }
}

# A ping that a firewall eats proves nothing; who has an address answers ARP all the same.
function Test-Peer {
    param([uint32] $Index, [string[]] $Address)
    $filter = 'Timeout = 500 AND (' + (@($Address | ForEach-Object { "Address = '$_'" }) -join ' OR ') + ')'
    try { [void]@(Get-CimInstance -ClassName Win32_PingStatus -Filter $filter) } catch { return $false }
    @(Get-NetNeighbor -InterfaceIndex $Index | Where-Object { $Address -contains "$($_.IPAddress)" -and
            @('Unreachable', 'Incomplete', 'Permanent') -notcontains "$($_.State)" }).Count -gt 0
}

function Start-Detached {
    param([object] $Wanted)
    if (@(Get-ScheduledTask | Where-Object { $_.TaskName -eq $task })) {
        Write-Error -Message 'a switch is being made on this PC already' -ErrorId LabSwitchBusy
    }
    $nic = @(Get-NetAdapter | Where-Object { "$($_.InterfaceGuid)".Trim('{}') -eq $Wanted.adapter_id })[0]
    if (-not $nic) { Write-Error -Message "no network adapter $($Wanted.adapter_id)" -ErrorId LabNoAdapter }
    $before = Get-Before -Index $nic.InterfaceIndex
    $peers = @(@($Peer) + @($before.gateways) | Where-Object { $_ } | Select-Object -Unique)
    if (-not $peers -or -not (Test-Peer -Index $nic.InterfaceIndex -Address $peers)) {
        Write-Error -Message "nobody answers on $($nic.Name) (asked: $peers)" -ErrorId LabNobodyAnswers
    }
    $deadline = [DateTime]::UtcNow.AddSeconds($Seconds).ToString('yyyy-MM-ddTHH:mm:ssZ')
    $operation = @{ lab = $Lab; name = $Wanted.name; notes = $Wanted.notes; adapter = $nic.Name
        index = [int]$nic.InterfaceIndex; before = $before; peers = $peers; deadline = $deadline }
    if (-not (Test-Path -LiteralPath $folder)) { [void](New-Item -ItemType Directory -Path $folder) }
    Get-ChildItem -LiteralPath $folder -Filter 'switch-*.json' | ForEach-Object {
        Remove-Item -LiteralPath "$folder\$($_.Name)" }
    $text = ConvertTo-Json -InputObject $operation -Depth 6
    Set-Content -LiteralPath "$folder\switch.json" -Encoding UTF8 -Value $text
    Set-Content -LiteralPath "$folder\Invoke-LabSwitch.ps1" -Value $Program -Encoding Ascii
    $arguments = '-NoProfile -NonInteractive -ExecutionPolicy Bypass ' +
    "-File `"$folder\Invoke-LabSwitch.ps1`" -Folder `"$folder`""
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    [void](Register-ScheduledTask -TaskName $task -Trigger (New-ScheduledTaskTrigger -AtStartup) -Settings $settings `
            -Action (New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments) `
            -Principal (New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest))
    Start-ScheduledTask -TaskName $task
}

# The PC is the gateway of an Internal switch and translates addresses for it; Windows carries one such network.
function Enable-Nat {
    param([object] $Wanted)
    $nic = Get-NetAdapter -Name "vEthernet ($($Wanted.name))"
    $there = @(Get-NetIPAddress -InterfaceIndex $nic.InterfaceIndex -ErrorAction SilentlyContinue |
            Where-Object { "$($_.IPAddress)" -eq $Wanted.gateway })
    if (-not $there) {
        [void](New-NetIPAddress -InterfaceIndex $nic.InterfaceIndex -IPAddress $Wanted.gateway `
                -PrefixLength $Wanted.prefix)
        'address'
    }
    $others = @(Get-NetNat | Where-Object { "$($_.InternalIPInterfaceAddressPrefix)" -ne $Wanted.cidr })
    if ($others) { Write-Error -Message "this PC translates for $($others[0].Name) already" -ErrorId LabNatTaken }
    if (-not @(Get-NetNat)) {
        [void](New-NetNat -Name $Lab -InternalIPInterfaceAddressPrefix $Wanted.cidr)
        'nat'
    }
}

$answers = foreach ($wanted in $VirtualSwitch) {
    $named = @(Get-VMSwitch | Where-Object { $_.Name -eq $wanted.name })
    $done = @(
        if (-not $named -and $wanted.type -eq 'External') { Start-Detached -Wanted $wanted; 'begun' }
        elseif (-not $named) {
            [void](New-VMSwitch -Name $wanted.name -SwitchType $wanted.type -Notes $wanted.notes)
            'switch'
        }
        if ($wanted.cidr -and (-not $named -or "$($named[0].Notes)" -eq $wanted.notes)) { Enable-Nat -Wanted $wanted }
    )
    @{ name = $wanted.name; changed = $done }
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; switches = @($answers) }
