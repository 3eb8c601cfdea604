<#
.SYNOPSIS
What the scripts of this folder share: whose a VM is, how an error is told, the loop over machines, the PC's network.
.DESCRIPTION
Functions only: run alone it does nothing. labkit sends it in front of every script; a script that is run by hand
takes it from its own folder. A script block that is given to one of these sees the script's variables, except where the
function has one of that name itself.
.EXAMPLE
. .\Lab.ps1
#>

# The lab and the machine that a VM's Notes name; nothing where they are somebody else's words.
function Get-LabMark {
    param([object] $VM)
    try { ConvertFrom-Json -InputObject "$($VM.Notes)" } catch { $null }
}

# Whether a VM is the lab's, and that machine when one is given. Where the machine has a folder, a VM in it without any
# Notes is its own too: made by a call that was cut off before it wrote them.
function Test-LabMark {
    param([object] $VM, [string] $Lab, [object] $Machine)
    $mark = Get-LabMark -VM $VM
    $own = "$($mark.lab)" -eq $Lab
    if (-not $Machine) { return $own }
    $inside = $Machine.folder -and "$($VM.Path)".StartsWith("$($Machine.folder)\", 'OrdinalIgnoreCase')
    ($own -and "$($mark.machine)" -eq $Machine.name) -or ($inside -and -not $VM.Notes)
}

# The look that comes before every change.
function Assert-LabMark {
    param([object] $VM, [string] $Lab, [object] $Machine)
    if (Test-LabMark @PSBoundParameters) { return }
    Write-Error -Message "$($VM.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
}

# `script` is empty where the script was sent, and Lab.ps1 when the line is one of these.
function ConvertTo-LabError {
    param([Management.Automation.ErrorRecord] $Record)
    @{ message = "$Record"; id = "$($Record.FullyQualifiedErrorId)"; category = "$($Record.CategoryInfo.Category)"
        script = "$($Record.InvocationInfo.ScriptName)"; line = $Record.InvocationInfo.ScriptLineNumber }
}

# Each machine's share is done by Do, which fills in its answer as far as it comes; one that fails keeps nobody else
# from being done. Blank is what an answer holds besides name, id and error until then.
function Invoke-LabMachine {
    param([object[]] $Machine, [hashtable] $Blank = @{ state = ''; changed = @() }, [scriptblock] $Do)
    $answers = foreach ($wanted in $Machine) {
        $answer = @{ name = "$($wanted.name)"; id = "$($wanted.id)"; error = $null } + $Blank
        try { [void](& $Do -Wanted $wanted -Answer $answer) }
        catch { $answer.error = ConvertTo-LabError -Record $_ }
        $answer
    }
    @{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
}

# What Windows may refuse for some seconds (a drive of a running VM, and a VM, its disks and its files while they are
# still held after its power was cut) is tried three times.
function Invoke-LabAgain {
    param([scriptblock] $Do)
    foreach ($wait in 1, 5, 0) {
        try { return & $Do } catch { if (-not $wait) { throw } }
        Start-Sleep -Seconds $wait
    }
}

# Detaches the disks of Path.
function Remove-LabDrive {
    param([object] $VM, [string[]] $Path)
    foreach ($drive in @(Get-VMHardDiskDrive -VM $VM | Where-Object { $Path -contains $_.Path })) {
        Invoke-LabAgain -Do { Remove-VMHardDiskDrive -VMHardDiskDrive $drive }
    }
}

# Attaches the disks that are not in the VM, and emits each when it is.
function Add-LabDrive {
    param([object] $VM, [string[]] $Path)
    $there = @(Get-VMHardDiskDrive -VM $VM | ForEach-Object { $_.Path })
    foreach ($one in @($Path | Where-Object { $there -notcontains $_ })) {
        Add-VMHardDiskDrive -VM $VM -ControllerType SCSI -Path $one
        $one
    }
}

# The disks of Path take no part in what Do does to the VM: a checkpoint would roll a data disk back.
function Invoke-LabApart {
    param([object] $VM, [string[]] $Path, [scriptblock] $Do)
    Remove-LabDrive -VM $VM -Path $Path
    try { & $Do } finally { [void]@(Add-LabDrive -VM $VM -Path $Path) }
}

# The PC's own adapter that Hyper-V knows by that name. Windows installs it after the call that made it, and numbers its
# name where an earlier one has left a trace: so by its id, and in half a minute.
function Wait-LabAdapter {
    param([string] $Name)
    for ($try = 0; $try -lt 100; $try++) {
        $own = @(Get-VMNetworkAdapter -ManagementOS | Where-Object { $_.Name -eq $Name })[0]
        $nic = @(Get-NetAdapter | Where-Object { $own -and "$($_.InterfaceGuid)" -eq "$($own.DeviceId)" })[0]
        if ($nic) { return $nic }
        Start-Sleep -Milliseconds 300
    }
    Write-Error -Message "the adapter vEthernet ($Name) does not come up" -ErrorId LabNoAdapter
}

# How an adapter is configured, for Invoke-LabSwitch.ps1 to put it back.
function Get-LabNetwork {
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

# Lays down what is to become of the PC's network until Seconds from now, and lets Windows do it, as SYSTEM.
function Start-LabSwitch {
    param([hashtable] $Operation, [int] $Seconds, [string] $Program)
    $to, $task = "$env:ProgramFiles\hyperv-k8s-lab", 'hyperv-k8s-lab-switch'
    if (@(Get-ScheduledTask -TaskName $task -ErrorAction SilentlyContinue)) {
        Write-Error -Message 'a switch is being made or removed on this PC already' -ErrorId LabSwitchBusy
    }
    $Operation.deadline = [DateTime]::UtcNow.AddSeconds($Seconds).ToString('s') + 'Z'  # in no calendar of the PC's
    if (-not (Test-Path -LiteralPath $to)) { [void](New-Item -ItemType Directory -Path $to) }
    Get-ChildItem -LiteralPath $to -Filter 'switch-*.json' | ForEach-Object { Remove-Item -LiteralPath "$to\$($_.Name)" }
    Set-Content -LiteralPath "$to\switch.json" -Encoding UTF8 -Value (ConvertTo-Json -InputObject $Operation -Depth 6)
    Set-Content -LiteralPath "$to\Invoke-LabSwitch.ps1" -Value $Program -Encoding Ascii
    $arguments = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$to\Invoke-LabSwitch.ps1`" -Folder `"$to`""
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    [void](Register-ScheduledTask -TaskName $task -Trigger (New-ScheduledTaskTrigger -AtStartup) -Settings $settings `
            -Action (New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments) `
            -Principal (New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest))
    Start-ScheduledTask -TaskName $task
}
