"""How the stand-in cmdlets refuse: ids and categories of the real Hyper-V module, and that errors do not end a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal.hosts.state import HostState, initial
from rehearsal.tests.contracts.hosts.conftest import Ask

pytestmark = pytest.mark.powershell

# Runs each snippet on its own and tells the first error record, all warnings and all plain output.
RUNNER = r"""
$ErrorActionPreference = 'Continue'
%s
$cases = @{ %s }
foreach ($name in $cases.Keys) {
    $Error.Clear()
    $said = @(& $cases[$name] 2>$null 3>&1)
    $count = $Error.Count
    $record = if ($count) { $Error[$count - 1] }
    @{  name = $name; id = "$($record.FullyQualifiedErrorId)"; category = "$($record.CategoryInfo.Category)"
        target = "$($record.CategoryInfo.TargetName)"; errors = $count
        type = if ($count) { $record.Exception.GetType().FullName }
        warnings = @($said | Where-Object -FilterScript { $_ -is [System.Management.Automation.WarningRecord] } |
            ForEach-Object -Process { "$_" })
        output = @($said | Where-Object -FilterScript { $_ -isnot [System.Management.Automation.WarningRecord] } |
            ForEach-Object -Process { "$_" }) }
}
"""

PREPARE = r"""
$off = New-VM -Name off -Generation 2 -MemoryStartupBytes 1GB -NoVHD -Path C:\Lab
$on = New-VM -Name on -Generation 2 -MemoryStartupBytes 1GB -NoVHD -Path C:\Lab -SwitchName Lab
Set-VM -VM $on -StaticMemory
Start-VM -VM $on
$first = New-VM -Name first -Generation 1 -NoVHD -Path C:\Lab
$big = New-VM -Name big -Generation 2 -MemoryStartupBytes 64GB -NoVHD -Path C:\Lab
$missing = New-VM -Name missing -Generation 2 -NoVHD -Path C:\Lab
$null = New-VHD -Path C:\Lab\a.vhdx -SizeBytes 40GB
$null = New-VHD -Path C:\Lab\b.vhdx -SizeBytes 40GB
$null = New-VHD -Path C:\Lab\gone.vhdx -SizeBytes 40GB
Add-VMHardDiskDrive -VM $on -Path C:\Lab\a.vhdx
Add-VMHardDiskDrive -VM $missing -Path C:\Lab\gone.vhdx
Remove-Item -LiteralPath C:\Lab\gone.vhdx
Set-Content -LiteralPath C:\Lab\torn.vhdx -Value 'not a disk'
"""

MAKE = r"$vm = New-VM -Name x -Generation 2 -NoVHD -Path C:\Lab;"

HYPERV = "Microsoft.HyperV.PowerShell.Commands"
VHD = "Microsoft.Vhd.PowerShell.Cmdlets"
PARAMETER = ("InvalidParameter", "InvalidArgument")
NOT_FOUND = ("ObjectNotFound", "ObjectNotFound")
STATE = ("InvalidState", "InvalidOperation")
ASKS = ("InvalidOperation", "InvalidOperation")
FAILED = ("OperationFailed", "NotSpecified")


@dataclass(frozen=True)
class Case:
    """A call that Hyper-V refuses, and how."""

    snippet: str
    refusal: tuple[str, str]
    cmdlet: str


CASES = {
    "an unknown name in Get-VM": Case("Get-VM -Name nobody", PARAMETER, f"{HYPERV}.GetVM"),
    "an unknown name elsewhere": Case("Start-VM -Name nobody", NOT_FOUND, f"{HYPERV}.StartVM"),
    "an unknown id": Case("Get-VM -Id 6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001", NOT_FOUND, f"{HYPERV}.GetVM"),
    "an unknown switch": Case("Get-VMSwitch -Name nothing", PARAMETER, f"{HYPERV}.GetVMSwitch"),
    "a new VM on an unknown switch": Case(
        r"New-VM -Name x -SwitchName nothing -Path C:\Lab", PARAMETER, f"{HYPERV}.NewVM"
    ),
    "odd memory": Case("New-VM -Name x -MemoryStartupBytes 1073741825", PARAMETER, f"{HYPERV}.NewVM"),
    "generation 3": Case(
        "New-VM -Name x -Generation 3", ("ParameterArgumentValidationError", "InvalidData"), f"{HYPERV}.NewVM"
    ),
    "a gen 2 VM booting from IDE": Case("New-VM -Name x -Generation 2 -BootDevice IDE", PARAMETER, f"{HYPERV}.NewVM"),
    "a new disk that is no .vhdx": Case(
        "New-VM -Name x -NewVHDPath C:\\x.vhd -NewVHDSizeBytes 1GB", PARAMETER, f"{HYPERV}.NewVM"
    ),
    "an unknown adapter": Case(
        "Get-VMNetworkAdapter -VM $off -Name nothing", NOT_FOUND, f"{HYPERV}.GetVMNetworkAdapter"
    ),
    "an unknown checkpoint": Case("Get-VMSnapshot -VM $off -Name nothing", NOT_FOUND, f"{HYPERV}.GetVMSnapshot"),
    "a missing disk file": Case(r"Get-VHD -Path C:\Lab\nothing.vhdx", PARAMETER, f"{VHD}.GetVHD"),
    "a torn disk file": Case(r"Get-VHD -Path C:\Lab\torn.vhdx", FAILED, f"{VHD}.GetVHD"),
    "a disk that exists": Case(r"New-VHD -Path C:\Lab\a.vhdx -SizeBytes 40GB", FAILED, f"{VHD}.NewVhd"),
    "a disk of an odd size": Case(r"New-VHD -Path C:\Lab\odd.vhdx -SizeBytes 2000000001", PARAMETER, f"{VHD}.NewVhd"),
    "attaching a missing file": Case(
        r"Add-VMHardDiskDrive -VM $off -Path C:\Lab\nothing.vhdx", NOT_FOUND, f"{HYPERV}.AddVMHardDiskDrive"
    ),
    "attaching a running VM's disk": Case(
        r"Add-VMHardDiskDrive -VM $off -Path C:\Lab\a.vhdx",
        ("ObjectInUse", "ResourceBusy"),
        f"{HYPERV}.AddVMHardDiskDrive",
    ),
    "a place that is taken": Case(
        r"Add-VMHardDiskDrive -VM $on -Path C:\Lab\b.vhdx -ControllerNumber 0 -ControllerLocation 0",
        NOT_FOUND,
        f"{HYPERV}.AddVMHardDiskDrive",
    ),
    "processors of a running VM": Case("Set-VM -VM $on -ProcessorCount 2", STATE, f"{HYPERV}.SetVM"),
    "dynamic memory of a running VM": Case("Set-VM -VM $on -DynamicMemory", STATE, f"{HYPERV}.SetVM"),
    "a minimum without dynamic memory": Case(
        "Set-VMMemory -VM $on -MinimumBytes 1GB", PARAMETER, f"{HYPERV}.SetVMMemory"
    ),
    "firmware of a running VM": Case("Set-VMFirmware -VM $on -EnableSecureBoot Off", STATE, f"{HYPERV}.SetVMFirmware"),
    "the MAC of a running VM": Case(
        "Get-VMNetworkAdapter -VM $on | Set-VMNetworkAdapter -StaticMacAddress 020000000001",
        STATE,
        f"{HYPERV}.SetVMNetworkAdapter",
    ),
    "a MAC that is none": Case(
        "Set-VMNetworkAdapter -VM $off -StaticMacAddress nonsense", PARAMETER, f"{HYPERV}.SetVMNetworkAdapter"
    ),
    "a multicast MAC": Case(
        "Set-VMNetworkAdapter -VM $off -StaticMacAddress 030000000001", FAILED, f"{HYPERV}.SetVMNetworkAdapter"
    ),
    "an unknown template": Case(
        "Set-VMFirmware -VM $off -SecureBootTemplate Nothing", PARAMETER, f"{HYPERV}.SetVMFirmware"
    ),
    "an ambiguous template": Case(
        "Set-VMFirmware -VM $off -SecureBootTemplate Micro*", PARAMETER, f"{HYPERV}.SetVMFirmware"
    ),
    "firmware of generation 1": Case("Get-VMFirmware -VM $first", PARAMETER, f"{HYPERV}.GetVMFirmware"),
    "a foreign boot device": Case(
        "Set-VMFirmware -VM $off -FirstBootDevice (Get-VMNetworkAdapter -VM $on)", PARAMETER, f"{HYPERV}.SetVMFirmware"
    ),
    "more memory than there is": Case("Start-VM -VM $big", ("OutOfMemory", "FromStdErr"), f"{HYPERV}.StartVM"),
    "starting without its disk": Case("Start-VM -VM $missing", ("Unspecified", "NotSpecified"), f"{HYPERV}.StartVM"),
    "shutting down a guest that cannot be asked": Case("Stop-VM -VM $on", ASKS, f"{HYPERV}.StopVM"),
    "the same with -Confirm:$false": Case("Stop-VM -VM $on -Confirm:$false", ASKS, f"{HYPERV}.StopVM"),
    "removing without -Force": Case("Remove-VM -VM $off", ASKS, f"{HYPERV}.RemoveVM"),
    "removing a running VM": Case("Remove-VM -VM $on -Force", STATE, f"{HYPERV}.RemoveVM"),
    "an unknown service": Case(
        "Get-Service -Name nothing",
        ("NoServiceFoundForGivenName", "ObjectNotFound"),
        "Microsoft.PowerShell.Commands.GetServiceCommand",
    ),
    "an unknown network adapter": Case(
        "Get-NetAdapter -Name nothing", ("CmdletizationQuery_NotFound_Name", "ObjectNotFound"), "Get-NetAdapter"
    ),
}

QUIET = {
    "a wildcard without a match": "Get-VM -Name no*",
    "a VM without disks": "Get-VMHardDiskDrive -VM $off",
    "a VM without checkpoints": "Get-VMSnapshot -VM $off",
    "removing checkpoints that are not there": "Remove-VMSnapshot -VMName off -Name nothing",
    "an unknown feature": "Get-WindowsOptionalFeature -Online -FeatureName Nothing",
    "an unknown drive": "Get-CimInstance -ClassName Win32_LogicalDisk -Filter \"DeviceID = 'Q:'\"",
}

WARNS = {
    "starting a running VM": "Start-VM -VM $on",
    "stopping a VM that is off": "Stop-VM -VM $off",
    "turning off a VM that is off": "Stop-VM -VM $off -TurnOff",
}


@pytest.fixture(scope="module")
def outcomes(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case, run in one PowerShell on one PC."""
    pc = HostState(tmp_path_factory.mktemp("pc"), "pc1")
    pc.make(initial("pc1", address="192.0.2.11"))
    snippets = {name: case.snippet for name, case in CASES.items()} | QUIET | WARNS
    cases = "\n".join(f"'{name.replace(chr(39), chr(39) * 2)}' = {{ {snippet} }}" for name, snippet in snippets.items())
    return {one["name"]: one for one in ask(pc, RUNNER % (PREPARE, cases))}


@pytest.mark.parametrize("name", CASES)
def test_refuses_with_windows_id_and_category(outcomes: dict[str, Any], name: str) -> None:
    case, seen = CASES[name], outcomes[name]
    assert (seen["id"], seen["category"]) == (f"{case.refusal[0]},{case.cmdlet}", case.refusal[1])
    assert seen["errors"] == 1


@pytest.mark.parametrize("name", QUIET)
def test_says_nothing(outcomes: dict[str, Any], name: str) -> None:
    seen = outcomes[name]
    assert (seen["errors"], seen["warnings"], seen["output"]) == (0, [], [])


@pytest.mark.parametrize("name", WARNS)
def test_only_warns(outcomes: dict[str, Any], name: str) -> None:
    seen = outcomes[name]
    assert seen["errors"] == 0
    assert seen["warnings"] == ["The virtual machine is already in the specified state."]


def test_hyperv_errors_are_virtualization_exceptions(outcomes: dict[str, Any]) -> None:
    assert outcomes["removing a running VM"]["type"] == "Microsoft.HyperV.PowerShell.VirtualizationException"


def test_only_a_look_up_by_name_carries_its_target(outcomes: dict[str, Any]) -> None:
    assert outcomes["an unknown name in Get-VM"]["target"] == "nobody"
    assert outcomes["an unknown name elsewhere"]["target"] == ""


def test_an_error_does_not_keep_other_objects_from_being_done(ask: Ask, pc: HostState) -> None:
    script = (
        PREPARE
        + "Set-VM -Name nobody, off, also-nobody, first -Notes 'done' -ErrorAction SilentlyContinue; Get-VM | % Notes"
    )
    assert ask(pc, script).count("done") == 2


def test_a_name_may_be_taken_twice_and_both_answer_to_it(ask: Ask, pc: HostState) -> None:
    script = (
        r"1..2 | % { New-VM -Name twin -NoVHD -Path C:\Lab }; Set-VM -Name twin -Notes both; (Get-VM -Name twin).Notes"
    )
    assert ask(pc, script)[-2:] == ["both", "both"]


def test_a_failed_new_vm_leaves_no_vm(ask: Ask, pc: HostState) -> None:
    script = r"New-VM -Name x -VHDPath C:\Lab\nothing.vhdx -Generation 2 -ErrorAction SilentlyContinue; @(Get-VM).Count"
    assert ask(pc, script) == [0]


def test_a_stopped_service_looks_like_objects_that_are_not_found(ask: Ask, pc: HostState) -> None:
    with pc.change() as state:
        state["services"]["vmms"] = "Stopped"
    script = (
        "Get-VM -ErrorAction SilentlyContinue; $Error[0].FullyQualifiedErrorId; '' + (Get-Service -Name vmms).Status"
    )
    assert ask(pc, script) == [f"ObjectNotFound,{HYPERV}.GetVM", "Stopped"]


def test_enum_values_have_windows_numbers(ask: Ask, pc: HostState) -> None:
    script = (
        MAKE + "[int]$vm.State; [int](Get-VMFirmware -VM $vm).SecureBoot; [int](Get-VMSwitch).SwitchType;"
        "[int]$vm.CheckpointType; [int]$vm.AutomaticStartAction; [int]$vm.AutomaticStopAction;"
        "[int](Get-VMFirmware -VM $vm).BootOrder[0].BootType; [int](Get-VMNetworkAdapterVlan -VM $vm).OperationMode"
    )
    assert ask(pc, script) == [3, 0, 2, 3, 3, 3, 2, 0]


def test_a_new_vm_has_client_windows_defaults(ask: Ask, pc: HostState) -> None:
    script = (
        MAKE + "$vm.DynamicMemoryEnabled; $vm.AutomaticCheckpointsEnabled;"
        "$vm.ProcessorCount; $vm.Heartbeat; (Get-VMFirmware -VM $vm).SecureBootTemplate;"
        "Get-VMNetworkAdapter -VM $vm | % { $_.Name; $_.MacAddress; $_.DynamicMacAddressEnabled; $_.SwitchName };"
        "$vm.Path"
    )
    expected = [True, True, 1, None, "MicrosoftWindows", "Network Adapter", "000000000000", True, "", r"C:\Lab\x"]
    assert ask(pc, script) == expected


def test_boot_order_drops_what_it_does_not_name_and_first_boot_device_moves_one(ask: Ask, pc: HostState) -> None:
    script = (
        MAKE + "$a = Add-VMNetworkAdapter -VM $vm -Name two -Passthru;"
        "Set-VMFirmware -VM $vm -FirstBootDevice $a; (Get-VMFirmware -VM $vm).BootOrder | % { $_.Device.Name };"
        "Set-VMFirmware -VM $vm -BootOrder $a; (Get-VMFirmware -VM $vm).BootOrder | % { $_.Device.Name }"
    )
    assert ask(pc, script) == ["two", "Network Adapter", "two"]


def test_what_if_changes_nothing(ask: Ask, pc: HostState) -> None:
    ask(pc, r"New-VM -Name x -NoVHD -Path C:\Lab -WhatIf")
    assert pc.read()["vms"] == {}
