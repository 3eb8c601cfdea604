<#
.SYNOPSIS
Takes away virtual switches that the lab made on one PC; an External one by a task, since the PC's network pauses.
.DESCRIPTION
By id, and only where the Notes are the lab's mark and no VM is on the switch. What the PC's own adapter on an External
one has (address, gateway, DNS) goes back to the physical adapter: Invoke-LabSwitch.ps1 sees to it. README.md in this
folder describes the answer.
.PARAMETER Lab
The lab's name.
.PARAMETER VirtualSwitch
The switches: id, name and notes.
.PARAMETER Program
The text of Invoke-LabSwitch.ps1.
.EXAMPLE
.\Remove-LabSwitch.ps1 -Lab lab-7e57 -VirtualSwitch (Get-Content .\switches.json -Raw | ConvertFrom-Json) `
    -Program (Get-Content .\Invoke-LabSwitch.ps1 -Raw)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Lab,
    [Parameter(Mandatory = $true)] [object[]] $VirtualSwitch,
    [string] $Program
)
$ErrorActionPreference = 'Stop'
if ($PSScriptRoot) { . "$PSScriptRoot\Lab.ps1" }  # run by hand; sent, it came in front

function Assert-Removable {
    param([object] $Own, [object] $Wanted)
    if ("$($Own.Notes)" -ne $Wanted.notes) {
        Write-Error -Message "the switch $($Own.Name) was not made by $Lab" -ErrorId LabNotOurs -Category PermissionDenied
    }
    $users = @(Get-VM | Where-Object { @(Get-VMNetworkAdapter -VM $_ | ForEach-Object { "$($_.SwitchName)" }) -contains
            $Own.Name } | ForEach-Object { "$($_.Name)" })
    if ($users) { Write-Error -Message "$($Own.Name) is used by $users" -ErrorId LabSwitchUsed }
}

# Returns what was laid down.
function Start-Removing {
    param([object] $Own, [object] $Wanted)
    $id = "$(@($Own.NetAdapterInterfaceGuid)[0])"
    $below = @(Get-NetAdapter | Where-Object { $id -and "$($_.InterfaceGuid)".Trim('{}') -eq $id })[0]
    if (-not $below) { Write-Error -Message "no network adapter is below $($Own.Name)" -ErrorId LabNoAdapter }
    $nic = Wait-LabAdapter -Name $Own.Name
    $operation = @{ lab = $Lab; name = "$($Own.Name)"; notes = $Wanted.notes; peers = @(); remove = $true
        before = Get-LabNetwork -Index $nic.InterfaceIndex; adapter = $below.Name; adapter_id = $id }
    Start-LabSwitch -Operation $operation -Seconds 0 -Program $Program
    $operation
}

function Remove-Inner {
    param([object] $Own)
    if ("$($Own.SwitchType)" -eq 'Internal') {
        Get-NetNat | Where-Object { $_.Name -eq $Lab } | ForEach-Object { Remove-NetNat -Name $_.Name -Confirm:$false }
    }
    Remove-VMSwitch -VMSwitch $Own -Force
}

$answers = foreach ($wanted in $VirtualSwitch) {
    $own = @(Get-VMSwitch | Where-Object { "$($_.Id)" -eq $wanted.id })[0]
    if ($own) { Assert-Removable -Own $own -Wanted $wanted }
    $begun = if ($own.AllowManagementOS -and "$($own.SwitchType)" -eq 'External') {
        Start-Removing -Own $own -Wanted $wanted
    }
    $done = @(
        if ($begun) { 'begun' }
        elseif ($own) { Remove-Inner -Own $own; 'removed' }
    )
    @{ name = $wanted.name; changed = $done; adapter = "$($begun.adapter)"; before = $begun.before }
}
@{ changed = @($answers | Where-Object { $_.changed }).Count -gt 0; switches = @($answers) }
