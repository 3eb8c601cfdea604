<#
.SYNOPSIS
Reads everything the lab needs to know about one Hyper-V host; changes nothing.
.DESCRIPTION
README.md here describes the answer. A Hyper-V service that is down also says "not found": VMs are told only when it
runs and answers; otherwise `service` or `refusal` says why not.
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
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Get-Pc {
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem
    $cpu = @(Get-CimInstance -ClassName Win32_Processor)[0]
    @{ name = "$($computer.Name)"; powershell = "$($PSVersionTable.PSVersion)"; windows_build = [int]$system.BuildNumber
        memory_bytes = [long]$computer.TotalPhysicalMemory; free_memory_bytes = 1KB * $system.FreePhysicalMemory
        processors = [int]$computer.NumberOfLogicalProcessors
        cpu = "$($cpu.Name)".Trim(); cpu_id = "$($cpu.Description)"; architecture = [int]$cpu.Architecture
        hypervisor = [bool]$computer.HypervisorPresent }
}

# By its place, too: an old TAP or Bluetooth's network calls itself a card, and stands on no bus that a card is on.
function Get-Physical {
    foreach ($nic in @(Get-NetAdapter)) {
        @{ id = "$($nic.InterfaceGuid)".Trim('{}').ToLowerInvariant(); index = [int]$nic.InterfaceIndex
            name = $nic.Name; description = $nic.InterfaceDescription; mac = "$($nic.MacAddress)" -replace '-', ''
            type = [int]$nic.InterfaceType
            hardware = $nic.HardwareInterface -and "$($nic.PnPDeviceID)" -notmatch '^(ROOT|BTH)\\'
            up = [int]$nic.InterfaceOperationalStatus -eq 1; vlan = [int]$nic.VlanID }
    }
}

function Get-Switch {
    foreach ($lan in @(Get-VMSwitch)) {
        @{ id = "$($lan.Id)"; name = $lan.Name; type = "$($lan.SwitchType)"
            adapter_ids = @($lan.NetAdapterInterfaceGuid | Where-Object { $_ } | ForEach-Object { "$_".ToLower() })
            adapter_descriptions = @($lan.NetAdapterInterfaceDescriptions | Where-Object { $_ }) }
    }
}

function Get-Adapter {
    param([object[]] $Nic)
    foreach ($one in $Nic) {
        $vlan = Get-VMNetworkAdapterVlan -VMNetworkAdapter $one
        @{ id = "$($one.Id)"; name = $one.Name; mac = "$($one.MacAddress)"; switch = "$($one.SwitchName)"
            dynamic_mac = [bool]$one.DynamicMacAddressEnabled
            vlan_mode = "$($vlan.OperationMode)"; vlan = [int]$vlan.AccessVlanId
            dhcp_guard = "$($one.DhcpGuard)" -eq 'On'; router_guard = "$($one.RouterGuard)" -eq 'On'
            addresses = @($one.IPAddresses | ForEach-Object { "$_" }) }
    }
}

function Get-Checkpoint {
    param([object] $VM)
    foreach ($one in @(Get-VMSnapshot -VM $VM)) {
        @{ name = $one.Name; time = $one.CreationTime.ToUniversalTime().ToString('s') + 'Z'  # in every culture the same
            disks = @(Get-VMHardDiskDrive -VMSnapshot $one | ForEach-Object { "$($_.Path)" }) }
    }
}

function Get-Detail {
    param([object] $VM, [object[]] $Nic)
    $firmware = if ($VM.Generation -eq 2) { Get-VMFirmware -VM $VM }  # generation 1 has none, and asking is an error
    @{ cpus = [int]$VM.ProcessorCount; dynamic_memory = [bool]$VM.DynamicMemoryEnabled
        checkpoints = @(Get-Checkpoint -VM $VM)
        start_action = "$($VM.AutomaticStartAction)"; stop_action = "$($VM.AutomaticStopAction)"
        automatic_checkpoints = [bool]$VM.AutomaticCheckpointsEnabled; adapters = @(Get-Adapter -Nic $Nic)
        drives = @(Get-VMHardDiskDrive -VM $VM | ForEach-Object { @{ id = "$($_.Id)"; path = "$($_.Path)" } })
        dvds = @(Get-VMDvdDrive -VM $VM | ForEach-Object { @{ id = "$($_.Id)"; path = "$($_.Path)" } })
        secure_boot = "$($firmware.SecureBoot)" -eq 'On'; template = "$($firmware.SecureBootTemplate)"
        boot = @($firmware.BootOrder | Where-Object { $_ } | ForEach-Object {
                @{ type = "$($_.BootType)"; id = "$($_.Device.Id)" } }) }
}

function Get-Machine {
    foreach ($vm in @(Get-VM)) {
        $nics = @(Get-VMNetworkAdapter -VM $vm)
        $ours = "$($vm.Notes)".Contains("`"$Lab`"") -or "$($vm.Path)".StartsWith("$LabPath\", 'OrdinalIgnoreCase')
        @{ id = "$($vm.Id)".ToLowerInvariant(); name = $vm.Name; state = "$($vm.State)"; notes = "$($vm.Notes)"
            path = "$($vm.Path)"; generation = [int]$vm.Generation
            memory_bytes = [long]$vm.MemoryStartup; assigned_bytes = [long]$vm.MemoryAssigned
            uptime_s = [int]$vm.Uptime.TotalSeconds; macs = @($nics | ForEach-Object { "$($_.MacAddress)" })
            detail = if ($ours) { Get-Detail -VM $vm -Nic $nics } else { $null } }
    }
}

function Get-Disk {
    # Paths are put together from names: PowerShell on Linux, where drive C: is a folder, has another FullName.
    if (-not (Test-Path -LiteralPath $LabPath)) { return }
    foreach ($folder in @(Get-ChildItem -LiteralPath $LabPath -Directory)) {
        foreach ($file in @(Get-ChildItem -LiteralPath "$LabPath\$($folder.Name)" -File -Filter '*.vhdx')) {
            $path = "$LabPath\$($folder.Name)\$($file.Name)"
            $file = "$path.lab.json"  # none, or a torn one: no mark
            $mark = try { ConvertFrom-Json -InputObject (Get-Content -LiteralPath $file -Raw) } catch { $null }
            $size = try { [long](Get-VHD -Path $path).Size } catch { $null }  # in use, or broken
            @{ path = $path; mark = $mark; size_bytes = $size }
        }
    }
}

$answer = @{ changed = $false; host = Get-Pc; service = ''; refusal = $null; feature = $null
    adapters = @(Get-Physical); templates = @(); switches = @(); vms = @(); disks = @()
    iso = $IsoPath -ne '' -and (Test-Path -LiteralPath $IsoPath)
    addresses = @(Get-NetIPAddress -AddressFamily IPv4 | ForEach-Object {
            @{ index = [int]$_.InterfaceIndex; address = "$($_.IPAddress)" } }) }
# Not by Get-Volume: it loads a large module for one number.
$drive = @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($LabPath.Substring(0, 2))'")[0]
$answer.free_bytes = if ($drive) { [long]$drive.FreeSpace } else { $null }  # no such drive
$answer.service = "$(@(Get-Service -Name vmms -ErrorAction SilentlyContinue)[0].Status)"  # '': not installed
if ($answer.service -eq 'Running') {
    try {
        $answer.templates = @((Get-VMHost).SecureBootTemplates |
                ForEach-Object { if ($_.Name) { $_.Name } else { "$_" } })
        $answer.switches = @(Get-Switch); $answer.vms = @(Get-Machine); $answer.disks = @(Get-Disk)
    } catch {
        $answer.vms = @()
        $answer.refusal = ConvertTo-LabError -Record $_
    }
} else {
    $answer.feature = try {
        "$((Get-WindowsOptionalFeature -Online -FeatureName 'Microsoft-Hyper-V').State)"
    } catch { $null }  # only an administrator may ask
}
$answer.host.time = [DateTime]::UtcNow.ToString('s') + 'Z'  # last: the controller compares it with its own on arrival
$answer
