<#
.SYNOPSIS
Reads everything the lab needs to know about one Hyper-V host; changes nothing.
.DESCRIPTION
README.md in this folder describes the answer. A Hyper-V service that is down also says "not found", so the list of VMs
is given only when the service runs and answered; otherwise `service` or `refusal` says why not.
.PARAMETER Lab
The lab's name; VMs that carry it in their Notes are described in detail.
.PARAMETER LabPath
The lab's folder on this host.
.PARAMETER IsoPath
A file to look for; may be empty.
.EXAMPLE
.\Get-LabHost.ps1 -Lab lab-7e57 -LabPath C:\Lab\lab-7e57 | ConvertTo-Json -Depth 6
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string] $LabPath,
    [string] $IsoPath
)
$ErrorActionPreference = 'Stop'

function Get-Adapter {
    param([object] $VM)
    foreach ($nic in @(Get-VMNetworkAdapter -VM $VM)) {
        $vlan = Get-VMNetworkAdapterVlan -VMNetworkAdapter $nic
        @{  id = "$($nic.Id)"; name = $nic.Name; mac = "$($nic.MacAddress)"; dynamic_mac = [bool]$nic.DynamicMacAddressEnabled
            switch = "$($nic.SwitchName)"; vlan_mode = "$($vlan.OperationMode)"; vlan = [int]$vlan.AccessVlanId
            dhcp_guard = "$($nic.DhcpGuard)" -eq 'On'; router_guard = "$($nic.RouterGuard)" -eq 'On'
            addresses = @($nic.IPAddresses | ForEach-Object { "$_" }) }
    }
}

function Get-Detail {
    param([object] $VM)
    $answer = @{
        cpus = [int]$VM.ProcessorCount; dynamic_memory = [bool]$VM.DynamicMemoryEnabled; assigned_bytes = [long]$VM.MemoryAssigned
        start_action = "$($VM.AutomaticStartAction)"; stop_action = "$($VM.AutomaticStopAction)"
        automatic_checkpoints = [bool]$VM.AutomaticCheckpointsEnabled; checkpoints = @(Get-VMSnapshot -VM $VM).Count
        adapters = @(Get-Adapter -VM $VM); secure_boot = $false; template = ''; boot = @()
        drives = @(Get-VMHardDiskDrive -VM $VM | ForEach-Object { @{ id = "$($_.Id)"; path = "$($_.Path)" } })
        dvds = @(Get-VMDvdDrive -VM $VM | ForEach-Object { @{ id = "$($_.Id)"; path = "$($_.Path)" } })
    }
    if ($VM.Generation -eq 2) {
        $firmware = Get-VMFirmware -VM $VM
        $answer.secure_boot = "$($firmware.SecureBoot)" -eq 'On'
        $answer.template = "$($firmware.SecureBootTemplate)"
        $answer.boot = @($firmware.BootOrder | ForEach-Object { @{ type = "$($_.BootType)"; id = "$($_.Device.Id)" } })
    }
    $answer
}

function Get-Disk {
    # Paths are put together from names: where drive C: is a folder (PowerShell on Linux) FullName would not begin with C:.
    foreach ($folder in @(Get-ChildItem -LiteralPath $LabPath -Directory)) {
        foreach ($file in @(Get-ChildItem -LiteralPath "$LabPath\$($folder.Name)" -File)) {
            if ($file.Name -notlike '*.vhdx') { continue }
            $path = "$LabPath\$($folder.Name)\$($file.Name)"
            $mark = $null
            if (Test-Path -LiteralPath "$path.lab.json") {
                $text = Get-Content -LiteralPath "$path.lab.json" -Raw
                $mark = try { ConvertFrom-Json -InputObject $text } catch { $null }  # a torn mark is no mark
            }
            $size = try { [long](Get-VHD -Path $path).Size } catch { $null }  # in use by another process, or broken
            @{ path = $path; size_bytes = $size; mark = $mark }
        }
    }
}

$system = Get-CimInstance -ClassName Win32_OperatingSystem
$computer = Get-CimInstance -ClassName Win32_ComputerSystem
$service = @(Get-Service -Name vmms -ErrorAction SilentlyContinue)  # none where Hyper-V is not installed
$answer = @{
    changed = $false; service = ''; refusal = $null; templates = @(); switches = @(); vms = @(); disks = @(); free_bytes = $null
    host = @{ name = "$($computer.Name)"; powershell = "$($PSVersionTable.PSVersion)"; windows_build = [int]$system.BuildNumber
        time = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ'); memory_bytes = [long]$computer.TotalPhysicalMemory
        free_memory_bytes = 1024 * [long]$system.FreePhysicalMemory; processors = [int]$computer.NumberOfLogicalProcessors }
    iso = $IsoPath -ne '' -and (Test-Path -LiteralPath $IsoPath)
    adapters = @(Get-NetAdapter | ForEach-Object {
            @{ id = "$($_.InterfaceGuid)".Trim('{}').ToLowerInvariant(); index = [int]$_.InterfaceIndex; name = $_.Name
                description = $_.InterfaceDescription; mac = "$($_.MacAddress)" -replace '-', ''; type = [int]$_.InterfaceType
                up = [int]$_.InterfaceOperationalStatus -eq 1; hardware = [bool]$_.HardwareInterface } })
    addresses = @(Get-NetIPAddress -AddressFamily IPv4 | ForEach-Object {
            @{ index = [int]$_.InterfaceIndex; address = "$($_.IPAddress)" } })
}
if ($LabPath -match '^[A-Za-z]:') {
    $answer.free_bytes = try { [long](Get-Volume -DriveLetter $LabPath[0]).SizeRemaining } catch { $null }  # no such drive
}
if ($service) { $answer.service = "$($service[0].Status)" }
if ($answer.service -eq 'Running') {
    try {
        $answer.templates = @((Get-VMHost).SecureBootTemplates | ForEach-Object { if ($_.Name) { $_.Name } else { "$_" } })
        $answer.switches = @(Get-VMSwitch | ForEach-Object {
                @{ id = "$($_.Id)"; name = $_.Name; type = "$($_.SwitchType)"
                    adapter_ids = @($_.NetAdapterInterfaceGuid | Where-Object { $_ } | ForEach-Object { "$_".Trim('{}').ToLowerInvariant() })
                    adapter_descriptions = @($_.NetAdapterInterfaceDescriptions | Where-Object { $_ }) } })
        $answer.vms = @(Get-VM | ForEach-Object {
                $ours = "$($_.Notes)".Contains("`"$Lab`"") -or "$($_.Path)".StartsWith("$LabPath\", 'OrdinalIgnoreCase')
                @{ id = "$($_.Id)".ToLowerInvariant(); name = $_.Name; state = "$($_.State)"; notes = "$($_.Notes)"; path = "$($_.Path)"
                    generation = [int]$_.Generation; memory_bytes = [long]$_.MemoryStartup; uptime_s = [int]$_.Uptime.TotalSeconds
                    macs = @(Get-VMNetworkAdapter -VM $_ | ForEach-Object { "$($_.MacAddress)" })
                    detail = if ($ours) { Get-Detail -VM $_ } else { $null } } })
        if (Test-Path -LiteralPath $LabPath) { $answer.disks = @(Get-Disk) }
    } catch {
        $answer.refusal = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)" }
        $answer.vms = @()
    }
}
$answer
