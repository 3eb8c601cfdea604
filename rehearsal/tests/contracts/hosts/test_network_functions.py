"""The functions of the PC's network through PowerShell: each does its work, and refuses in its own name."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.hosts.state import HostState
from rehearsal.tests.contracts.hosts.conftest import Ask

pytestmark = pytest.mark.powershell

# One PowerShell does it all: a line of output for each step, and the ids of all errors behind them.
STEPS = r"""
$ErrorActionPreference = 'SilentlyContinue'
$index = (Get-NetAdapter -Name 'vEthernet (Lab)').InterfaceIndex
$ip = New-NetIPAddress -InterfaceIndex $index -IPAddress 192.0.2.77 -PrefixLength 24
"$($ip.IPAddress)/$($ip.PrefixLength) $($ip.PrefixOrigin)"
$null = New-NetIPAddress -InterfaceIndex $index -IPAddress 192.0.2.77 -PrefixLength 24
$null = New-NetIPAddress -InterfaceIndex 99 -IPAddress 192.0.2.78 -PrefixLength 24
"$((New-NetRoute -InterfaceIndex $index -DestinationPrefix '198.51.100.0/24' -NextHop 192.0.2.9).NextHop)"
Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses '192.0.2.53', '192.0.2.54'
"$((Get-DnsClientServerAddress -InterfaceIndex $index).ServerAddresses)"
Set-NetIPInterface -InterfaceIndex $index -Dhcp Enabled
"$((Get-NetIPInterface -InterfaceIndex $index).Dhcp)"
Set-NetConnectionProfile -InterfaceIndex $index -NetworkCategory Public
"$((Get-NetConnectionProfile -InterfaceIndex $index).NetworkCategory)"
"$((New-NetNat -Name lab -InternalIPInterfaceAddressPrefix '10.0.0.0/24').Name)"
$null = New-NetNat -Name two -InternalIPInterfaceAddressPrefix '10.0.1.0/24'
$rule = New-NetFirewallRule -Name r -DisplayName rule -Protocol TCP -LocalPort 80, 443 -Profile Any
"$($rule.DisplayName) $($rule.LocalPort) $($rule.Action) $($rule.Direction) $($rule.Profile) $($rule.Enabled)"
$null = New-NetFirewallRule -Name r -DisplayName rule
Remove-NetFirewallRule -Name r
Remove-NetFirewallRule -Name r
$parts = @{ Action = New-ScheduledTaskAction -Execute powershell.exe -Argument '-File x'
    Trigger = New-ScheduledTaskTrigger -AtStartup; Settings = New-ScheduledTaskSettingsSet
    Principal = New-ScheduledTaskPrincipal -UserId S-1-5-18 -LogonType ServiceAccount -RunLevel Highest }
"$((Register-ScheduledTask -TaskName t @parts).Arguments)"
$null = Register-ScheduledTask -TaskName t @parts
Start-ScheduledTask -TaskName t
"$((Get-ScheduledTask).Started)"
Unregister-ScheduledTask -TaskName t -Confirm:$false
Start-ScheduledTask -TaskName t
$null = New-VMSwitch -Name two -NetAdapterName Ethernet
$switch = New-VMSwitch -Name inner -SwitchType Internal -Notes mine
do { Start-Sleep -Milliseconds 100 } until (@(Get-NetAdapter | Where-Object { $_.Name -eq 'vEthernet (inner)' }))
"$($switch.SwitchType) $($switch.Notes) $((Get-NetAdapter -Name 'vEthernet (inner)').Status)"
Add-VMNetworkAdapter -ManagementOS -SwitchName inner -Name own
Set-VMNetworkAdapterVlan -ManagementOS -VMNetworkAdapterName own -Access -VlanId 7
$tagged = Get-VMNetworkAdapterVlan -ManagementOS | Where-Object { $_.AccessVlanId }
"$($tagged.ParentAdapter.Name) $($tagged.AccessVlanId)"
Set-VMNetworkAdapterVlan -ManagementOS -VMNetworkAdapterName own -Access -VlanId 4095
Remove-VMNetworkAdapter -ManagementOS -Name own
Remove-VMNetworkAdapter -ManagementOS -Name own
Remove-VMSwitch -VMSwitch $switch
Remove-VMSwitch -VMSwitch $switch -Force
"$(@(Get-VMSwitch).Count)"
[array]::Reverse(($ids = @($Error | ForEach-Object { $_.FullyQualifiedErrorId })))
$ids
"""
SAID = [
    "192.0.2.77/24 Manual", "192.0.2.9", "192.0.2.53 192.0.2.54", "Enabled", "Public", "lab",
    "rule 80,443 Allow Inbound Any True", "-File x", "1", "Internal mine Up", "own 7", "1",
]  # fmt: skip
HYPERV = "Microsoft.HyperV.PowerShell.Commands"
REFUSED = [
    "Windows System Error 5010,New-NetIPAddress",
    "Windows System Error 1168,New-NetIPAddress",
    "Windows System Error 87,New-NetNat",
    "Windows System Error 183,New-NetFirewallRule",
    "CmdletizationQuery_NotFound_InstanceID,Remove-NetFirewallRule",
    "HRESULT 0x800700b7,Register-ScheduledTask",
    "HRESULT 0x80070002,Start-ScheduledTask",
    f"ObjectInUse,{HYPERV}.NewVMSwitch",
    f"InvalidParameter,{HYPERV}.SetVMNetworkAdapterVlan",
    f"ObjectNotFound,{HYPERV}.RemoveVMNetworkAdapter",
    f"InvalidOperation,{HYPERV}.RemoveVMSwitch",
]


@pytest.fixture
def output(ask: Ask, pc: HostState) -> Any:
    return ask(pc, STEPS)


def test_each_function_works_and_refuses_in_its_own_name(output: list[str]) -> None:
    assert output[: len(SAID)] == SAID
    assert output[len(SAID) :] == REFUSED
