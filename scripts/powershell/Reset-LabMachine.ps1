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

function Get-Own {
    param([object] $Wanted)
    $vm = Get-VM -Id $Wanted.id
    $notes = try { ConvertFrom-Json -InputObject "$($vm.Notes)" } catch { $null }  # somebody else's words
    # Made by a call that was cut off before it wrote the Notes: no Notes, in this machine's own folder.
    $begun = -not $vm.Notes -and "$($vm.Path)".StartsWith("$($Wanted.folder)\", 'OrdinalIgnoreCase')
    if (-not $begun -and ($notes.lab -ne $Lab -or $notes.machine -ne $Wanted.name)) {
        Write-Error -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs -Category PermissionDenied
    }
    $vm
}

function Set-FreshDisk {
    param([object] $VM, [object] $Wanted)
    $old = @($Wanted.discard | ForEach-Object { $_.path })
    Get-VMHardDiskDrive -VM $VM | Where-Object { $old -contains $_.Path } |
        ForEach-Object { Remove-VMHardDiskDrive -VMHardDiskDrive $_ }
    Set-Content -LiteralPath "$($Wanted.disk.path).lab.json" -Value $Wanted.disk.mark -Encoding Ascii
    [void](New-VHD -Path $Wanted.disk.path -SizeBytes $Wanted.disk.size_bytes -Dynamic -BlockSizeBytes 1MB)
    Add-VMHardDiskDrive -VM $VM -ControllerType SCSI -Path $Wanted.disk.path
    $disk = Get-VMHardDiskDrive -VM $VM | Where-Object { $_.Path -eq $Wanted.disk.path }
    $nic = Get-VMNetworkAdapter -VM $VM | Where-Object { $_.Name -eq 'mgmt' }
    Set-VMFirmware -VM $VM -BootOrder @($disk, $nic | Where-Object { $_ })  # without an adapter: the disk alone
}

$answers = foreach ($wanted in $Machine) {
    $answer = @{ name = $wanted.name; id = $wanted.id; state = 'Absent'; changed = @(); error = $null }
    try {
        if ($wanted.id) {
            $vm = Get-Own -Wanted $wanted
            if ("$($vm.State)" -ne 'Off') { Stop-VM -VM $vm -TurnOff -Force; $answer.changed += 'stopped' }
        }
        if (-not (Test-Path -LiteralPath $wanted.folder)) { [void](New-Item -ItemType Directory -Path $wanted.folder) }
        foreach ($disk in $wanted.discard) {
            Set-Content -LiteralPath "$($disk.path).lab.json" -Value $disk.mark -Encoding Ascii
        }
        if ($wanted.id) {
            Set-FreshDisk -VM $vm -Wanted $wanted
            $answer.changed += 'disk'
            $answer.state = "$((Get-VM -Id $wanted.id).State)"
        }
        foreach ($path in @($wanted.discard | ForEach-Object { $_.path; "$($_.path).lab.json" })) {
            if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path; $answer.changed += 'deleted' }
        }
        $answer.changed = @($answer.changed | Select-Object -Unique)
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; machines = @($answers) }
