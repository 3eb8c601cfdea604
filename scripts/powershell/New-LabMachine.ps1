<#
.SYNOPSIS
Creates and repairs this lab's machines on one Hyper-V host; each item may be done again.
.DESCRIPTION
README.md in this folder describes Machine and the answer. A VM gets its Notes right after it was made, and whatever
else is missing is added by the next call, so an interrupted call leaves nothing that a second one cannot finish.
.PARAMETER Lab
The lab's name.
.PARAMETER Machine
The machines with all their properties, and in `do` what is to be done for each.
.EXAMPLE
.\New-LabMachine.ps1 -Lab lab-7e57 -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Resolve-Machine {
    param([object] $Wanted)
    $all = @(Get-VM)
    $own = @($all | Where-Object { Test-LabMark -VM $_ -Lab $Lab -Machine $Wanted })
    if ($Wanted.id) { $own = @($own | Where-Object { "$($_.Id)" -eq $Wanted.id }) }
    if ($own) { return $own[0] }
    if ($Wanted.id) { Write-Error -Message "no VM $($Wanted.id) of $Lab" -ErrorId LabNotOurs -Category ObjectNotFound }
    if (@($all | Where-Object { $_.Name -eq $Wanted.vm_name })) {
        Write-Error -Message "another VM is named $($Wanted.vm_name)" -ErrorId LabNameTaken -Category ResourceExists
    }
    $new = New-VM -Name $Wanted.vm_name -Generation 2 -NoVHD -Path $Wanted.folder
    Set-VM -VM $new -Notes $Wanted.notes
    $new
}

function Set-Adapter {
    param([object] $VM, [object[]] $Wanted)
    $names = @($Wanted | ForEach-Object { $_.name })
    Get-VMNetworkAdapter -VM $VM | Where-Object { $names -notcontains $_.Name } |
        ForEach-Object { Remove-VMNetworkAdapter -VMNetworkAdapter $_ }
    foreach ($want in $Wanted) {
        $nic = @(Get-VMNetworkAdapter -VM $VM | Where-Object { $_.Name -eq $want.name })
        if (-not $nic) { $nic = @(Add-VMNetworkAdapter -VM $VM -Name $want.name -StaticMacAddress $want.mac -Passthru) }
        $nic | Select-Object -Skip 1 | ForEach-Object { Remove-VMNetworkAdapter -VMNetworkAdapter $_ }
        if ($nic[0].DynamicMacAddressEnabled -or $nic[0].MacAddress -ne $want.mac) {
            Set-VMNetworkAdapter -VMNetworkAdapter $nic[0] -StaticMacAddress $want.mac
        }
        $lan = $lans | Where-Object { $_.Name -eq $want.switch }
        if ($nic[0].SwitchName -ne $lan.Name) { Connect-VMNetworkAdapter -VMNetworkAdapter $nic[0] -VMSwitch $lan }
        $guard = if ($want.guard) { 'On' } else { 'Off' }
        Set-VMNetworkAdapter -VMNetworkAdapter $nic[0] -DhcpGuard $guard -RouterGuard $guard
        if ($want.vlan) { Set-VMNetworkAdapterVlan -VMNetworkAdapter $nic[0] -Access -VlanId $want.vlan }
        else { Set-VMNetworkAdapterVlan -VMNetworkAdapter $nic[0] -Untagged }
    }
}

function Add-Disk {
    param([object] $VM, [object] $Wanted, [string] $Folder)
    if (-not (Test-Path -LiteralPath $Folder)) { [void](New-Item -ItemType Directory -Path $Folder) }
    if ($Wanted.mark) { Set-Content -LiteralPath "$($Wanted.path).lab.json" -Value $Wanted.mark -Encoding Ascii }
    if (@(Get-VMHardDiskDrive -VM $VM | Where-Object { $_.Path -eq $Wanted.path })) { return }
    if (-not (Test-Path -LiteralPath $Wanted.path)) {
        [void](New-VHD -Path $Wanted.path -SizeBytes $Wanted.size_bytes -Dynamic -BlockSizeBytes 1MB)
    }
    Add-VMHardDiskDrive -VM $VM -ControllerType SCSI -Path $Wanted.path
}

function Update-Machine {
    param([object] $VM, [object] $Wanted)
    switch ($Wanted.do) {
        'identity' { Set-VM -VM $VM -Notes $Wanted.notes -NewVMName $Wanted.vm_name }
        'cpus' { Set-VM -VM $VM -ProcessorCount $Wanted.cpus }
        'memory' { Set-VM -VM $VM -StaticMemory -MemoryStartupBytes $Wanted.memory_bytes }
        'policy' { Set-VM -VM $VM @policy }
        'adapters' { Set-Adapter -VM $VM -Wanted $Wanted.adapters }
        'disks' { foreach ($disk in $Wanted.disks) { Add-Disk -VM $VM -Wanted $disk -Folder $Wanted.folder } }
        'dvd' {
            $dvd = @(Get-VMDvdDrive -VM $VM)
            if ($dvd) { Set-VMDvdDrive -VMDvdDrive $dvd[0] -Path $Wanted.dvd }
            else { Add-VMDvdDrive -VM $VM -Path $Wanted.dvd }
        }
        'secure_boot' { Set-VMFirmware -VM $VM -EnableSecureBoot On -SecureBootTemplate $Wanted.template }
        'boot' {
            $disk = Get-VMHardDiskDrive -VM $VM | Where-Object { $_.Path -eq $Wanted.disks[0].path }
            $nic = Get-VMNetworkAdapter -VM $VM | Where-Object { $_.Name -eq $Wanted.adapters[0].name }
            Set-VMFirmware -VM $VM -BootOrder $disk, $nic
        }
    }
}

$policy = @{ AutomaticStartAction = 'StartIfRunning'; AutomaticStopAction = 'ShutDown' }
$policy.AutomaticCheckpointsEnabled = $false
$lans = @(Get-VMSwitch)
foreach ($name in @($Machine.adapters.switch | Where-Object { $_ } | Select-Object -Unique)) {
    $times = @($lans | Where-Object { $_.Name -eq $name }).Count
    if ($times -ne 1) { Write-Error -Message "$name, $times times" -ErrorId LabSwitchMissing }
}
Invoke-LabMachine -Machine $Machine -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $Answer.id = ''  # until its VM is found, or made
    $vm = Resolve-Machine -Wanted $Wanted
    $Answer.id = "$($vm.Id)".ToLowerInvariant()
    Update-Machine -VM $vm -Wanted $Wanted
    $Answer.changed = @($Wanted.do)
    $Answer.state = "$($vm.State)"
}
