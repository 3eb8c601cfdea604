<#
.SYNOPSIS
Takes machines' system disks away for good and gives them fresh blank ones; what they held is lost.
.DESCRIPTION
A disk is condemned in its mark before anything else happens to it, so a call that was cut off never leaves an old disk
that a later one would take for a good one. README.md in this folder describes Machine and the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Machine
The machines, each with the disks to discard and the disk to make.
.EXAMPLE
.\Reset-LabMachine.ps1 -Lab lab-7e57 -Machine (Get-Content .\machines.json -Raw | ConvertFrom-Json)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $Machine
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Set-FreshDisk {
    param([object] $VM, [object] $Wanted)
    $old = @($Wanted.discard | ForEach-Object { $_.path })
    Remove-LabDrive -VM $VM -Path $old
    Set-Content -LiteralPath "$($Wanted.disk.path).lab.json" -Value $Wanted.disk.mark -Encoding Ascii
    [void](New-VHD -Path $Wanted.disk.path -SizeBytes $Wanted.disk.size_bytes -Dynamic -BlockSizeBytes 1MB)
    Add-VMHardDiskDrive -VM $VM -ControllerType SCSI -Path $Wanted.disk.path
    $disk = Get-VMHardDiskDrive -VM $VM | Where-Object { $_.Path -eq $Wanted.disk.path }
    $nic = Get-VMNetworkAdapter -VM $VM | Where-Object { $_.Name -eq 'mgmt' }
    Set-VMFirmware -VM $VM -BootOrder @($disk, $nic | Where-Object { $_ })  # without an adapter: the disk alone
}

Invoke-LabMachine -Machine $Machine -Blank @{ state = 'Absent'; changed = @() } -Do {
    param([object] $Wanted, [hashtable] $Answer)
    if ($Wanted.id) {
        $vm = Get-VM -Id $Wanted.id
        Assert-LabMark -VM $vm -Lab $Lab -Machine $Wanted
        if ("$($vm.State)" -ne 'Off') { Stop-VM -VM $vm -TurnOff -Force; $Answer.changed += 'stopped' }
    }
    if (-not (Test-Path -LiteralPath $Wanted.folder)) { [void](New-Item -ItemType Directory -Path $Wanted.folder) }
    foreach ($disk in $Wanted.discard) {
        Set-Content -LiteralPath "$($disk.path).lab.json" -Value $disk.mark -Encoding Ascii
    }
    if ($Wanted.id) {
        Set-FreshDisk -VM $vm -Wanted $Wanted
        $Answer.changed += 'disk'
        $Answer.state = "$((Get-VM -Id $Wanted.id).State)"
    }
    foreach ($path in @($Wanted.discard | ForEach-Object { $_.path; "$($_.path).lab.json" })) {
        if (-not (Test-Path -LiteralPath $path)) { continue }
        Invoke-LabAgain -Do { Remove-Item -LiteralPath $path }
        $Answer.changed += 'deleted'
    }
    $Answer.changed = @($Answer.changed | Select-Object -Unique)
}
