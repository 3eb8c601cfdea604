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

$wmi = @{ Namespace = 'root\virtualization\v2' }
$largest = 640, 480  # the picture travels as text inside JSON: a whole 1024 x 768 would be 2 MB a machine

function Get-Failure {
    param([string] $Message, [string] $ErrorId)
    @{ message = $Message; id = $ErrorId; category = 'InvalidOperation'; line = 0 }
}

function Get-Picture {
    param([object] $VM, [hashtable] $Answer)
    $system = Get-WmiObject @wmi -Class Msvm_ComputerSystem -Filter "Name = '$("$($VM.Id)".ToUpper())'"
    $head = @($system.GetRelated('Msvm_VideoHead'))[0]
    $Answer.width = [Math]::Min($largest[0], [int]@($head.CurrentHorizontalResolution)[0])
    $Answer.height = [Math]::Min($largest[1], [int]@($head.CurrentVerticalResolution)[0])
    $service = Get-WmiObject @wmi -Class Msvm_VirtualSystemManagementService
    $taken = $service.GetVirtualSystemThumbnailImage($system, $Answer.width, $Answer.height)
    if ($taken.ReturnValue -ne 0) {
        $Answer.error = Get-Failure -Message "$($VM.Name): no picture ($($taken.ReturnValue))" -ErrorId LabNoPicture
    } else {
        $Answer.image = [Convert]::ToBase64String([byte[]]$taken.ImageData)
    }
}

$answers = foreach ($one in $Id) {
    $answer = @{ name = ''; id = $one; error = $null; width = 0; height = 0; image = '' }
    try {
        $vm = Get-VM -Id $one
        $notes = try { ConvertFrom-Json -InputObject "$($vm.Notes)" } catch { $null }  # somebody else's words
        $answer.name = "$($notes.machine)"
        if ($notes.lab -ne $Lab) {
            $answer.error = Get-Failure -Message "$($vm.Name) is not of $Lab" -ErrorId LabNotOurs
        } elseif ("$($vm.State)" -ne 'Running') {
            $answer.error = Get-Failure -Message "$($vm.Name) is $($vm.State)" -ErrorId LabNotRunning
        } else {
            Get-Picture -VM $vm -Answer $answer
        }
    } catch {
        $answer.error = @{ message = "$_"; id = "$($_.FullyQualifiedErrorId)"; category = "$($_.CategoryInfo.Category)"
            line = $_.InvocationInfo.ScriptLineNumber }
    }
    $answer
}
@{ changed = $false; machines = @($answers) }
