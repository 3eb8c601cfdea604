<#
.SYNOPSIS
Gives what running machines of this lab show on their consoles; changes nothing.
.DESCRIPTION
The picture is Hyper-V's own thumbnail: 16 bits a pixel, RGB565, lowest byte first, base64. README.md in this folder
describes the answer.
.PARAMETER Lab
The lab's name; a VM without its mark is refused.
.PARAMETER Id
The VMs' ids.
.EXAMPLE
.\Get-LabScreen.ps1 -Lab lab-7e57 -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [string[]] $Id
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

$wmi = @{ Namespace = 'root\virtualization\v2' }
$largest = 640, 480  # the picture travels as text inside JSON: a whole 1024 x 768 would be 2 MB a machine

function Get-Size {
    param([object] $System)
    $head = @($System.GetRelated('Msvm_VideoHead'))[0]
    $across, $down = @($head.CurrentHorizontalResolution)[0], @($head.CurrentVerticalResolution)[0]
    if (-not ($across -and $down)) { return $largest }  # its screen has shown nothing yet
    $scale = [Math]::Min(1, [Math]::Min($largest[0] / $across, $largest[1] / $down))
    [int]($across * $scale), [int]($down * $scale)
}

function Get-Picture {
    param([object] $VM, [hashtable] $Answer)
    $system = Get-WmiObject @wmi -Class Msvm_ComputerSystem -Filter "Name = '$("$($VM.Id)".ToUpper())'"
    # A picture is taken of settings, by their path: of those in force, beside which each checkpoint has its own.
    $settings = @($system.GetRelated('Msvm_VirtualSystemSettingData') |
            Where-Object { "$($_.VirtualSystemType)" -eq 'Microsoft:Hyper-V:System:Realized' })[0]
    $service = Get-WmiObject @wmi -Class Msvm_VirtualSystemManagementService
    $Answer.width, $Answer.height = Get-Size -System $system
    $taken = $service.GetVirtualSystemThumbnailImage($settings.__PATH, $Answer.width, $Answer.height)
    $pixels = if ($taken.ImageData) { [byte[]]$taken.ImageData } else { [byte[]]@() }
    $wanted = 2 * $Answer.width * $Answer.height  # a few bytes more may follow
    if ($taken.ReturnValue -ne 0 -or $pixels.Length -lt $wanted) {
        $text = "$($VM.Name): no picture ($($taken.ReturnValue))"
        Write-Error -Message $text -ErrorId LabNoPicture -Category InvalidOperation
    }
    $Answer.image = [Convert]::ToBase64String($pixels, 0, $wanted)
}

$blank = @{ width = 0; height = 0; image = '' }
Invoke-LabMachine -Machine @($Id | ForEach-Object { @{ id = $_ } }) -Blank $blank -Do {
    param([object] $Wanted, [hashtable] $Answer)
    $vm = Get-VM -Id $Wanted.id
    $Answer.name = "$((Get-LabMark -VM $vm).machine)"
    Assert-LabMark -VM $vm -Lab $Lab
    if ("$($vm.State)" -ne 'Running') {
        Write-Error -Message "$($vm.Name) is $($vm.State)" -ErrorId LabNotRunning -Category InvalidOperation
    }
    Get-Picture -VM $vm -Answer $Answer
}
