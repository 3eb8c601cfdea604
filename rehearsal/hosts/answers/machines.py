"""VMs themselves, for the JSON answers: find, make, configure, remove."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.hosts import outage
from rehearsal.hosts.answers import refusals
from rehearsal.hosts.state import HostState, Json, NoDriveError

MEMORY_GRANULE = 2 << 20
MEMORY_RANGE = (32 << 20, 12 << 40)
DEFAULT_MEMORY = 512 << 20
NO_MAC = "0" * 12


def require_service(pc: HostState, cmdlet: str) -> Json:
    """Return the PC's state; refused in the cmdlet's name when Hyper-V is down, just starting, or not for this user."""
    state = pc.read()
    if state.get("hyperv_refuses") == "rights":
        raise refusals.no_rights(cmdlet, state["computer_name"])
    if state["services"]["vmms"] != "Running" or state.get("hyperv_refuses") == "starting":
        raise refusals.service_down(cmdlet, state["computer_name"])
    return state


def switch_name(state: Json, name: str) -> str:
    """Return a switch's name as it is written on the PC; refused when none or several have it."""
    found = [switch["name"] for switch in state["switches"] if switch["name"].lower() == name.lower()]
    if len(found) != 1:
        raise refusals.RefusedError(f"{name}, {len(found)} times", "LabSwitchMissing", "NotSpecified")
    return str(found[0])


def everyone(pc: HostState) -> list[Json]:
    """Return all VMs by name, as Get-VM does."""
    state = require_service(pc, "GetVM")
    return sorted(state["vms"].values(), key=lambda vm: str(vm["name"]).lower())


def get(pc: HostState, vm_id: str, cmdlet: str = "GetVM") -> Json:
    """Return one VM by id; refused when there is none."""
    state = require_service(pc, cmdlet)
    if vm_id.lower() not in state["vms"]:
        raise refusals.no_machine(vm_id, cmdlet)
    vm: Json = state["vms"][vm_id.lower()]
    return vm


@contextmanager
def changing(pc: HostState, vm_id: str, cmdlet: str) -> Iterator[Json]:
    """Give one VM to be changed in the state, under the lock."""
    require_service(pc, cmdlet)
    with outage.change(pc) as state:
        if vm_id not in state["vms"]:
            raise refusals.no_machine(vm_id, cmdlet)
        yield state["vms"][vm_id]


def new(pc: HostState, name: str, folder: str) -> Json:
    """Make a generation 2 VM without a disk, as `New-VM -NoVHD -Path` on client Windows does."""
    require_service(pc, "NewVM")
    vm_id = str(uuid.uuid4())
    path = f"{folder}\\{name}"
    try:
        configuration = pc.local(path) / "Virtual Machines"
    except NoDriveError as error:
        message = (
            f"Failed to create a new virtual machine.\n'{name}' failed to realize. (Virtual machine ID {vm_id.upper()})"
            "\nFailed to access configuration store: The system cannot find the path specified. (0x80070003)."
        )
        raise refusals.not_found("NewVM", message) from error
    vm = fresh(vm_id, name, path)
    with outage.change(pc) as state:
        state["vms"][vm_id] = vm
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / f"{vm_id.upper()}.vmcx").touch()
    return vm


def fresh(vm_id: str, name: str, path: str) -> Json:
    """Describe a VM as Hyper-V's defaults leave it: dynamic memory and automatic checkpoints on, one adapter."""
    adapter = fresh_adapter(vm_id, "Network Adapter", None)
    return {
        "id": vm_id, "name": name, "notes": "", "state": "Off", "path": path, "generation": 2, "version": "12.0",
        "created_at": time.time(), "cpus": 1, "processor_compatibility": False, "nested": False,
        "memory_bytes": DEFAULT_MEMORY, "memory_minimum_bytes": DEFAULT_MEMORY, "memory_maximum_bytes": 1 << 40,
        "dynamic_memory": True, "automatic_checkpoints": True, "checkpoint_type": "Production",
        "start_action": "StartIfRunning", "stop_action": "Save", "start_delay_s": 0,
        "heartbeat": "NoContact", "shutdown_service": False,
        "adapters": [adapter], "drives": [], "dvds": [], "snapshots": [],
        "boot_order": [{"type": "network", "id": adapter["id"]}],
        "secure_boot": True, "secure_boot_template": "MicrosoftWindows", "power_on_count": 0, "started_at": None,
    }  # fmt: skip


def fresh_adapter(vm_id: str, name: str, mac: str | None) -> Json:
    """Describe a new network adapter: connected to nothing, untagged."""
    return {
        "id": f"Microsoft:{vm_id.upper()}\\{str(uuid.uuid4()).upper()}",
        "name": name, "mac": mac or NO_MAC, "dynamic_mac": mac is None, "switch": None, "vlan": None,
        "dhcp_guard": False, "router_guard": False, "mac_spoofing": False, "addresses": [],
    }  # fmt: skip


def _check_memory(name: str, memory_bytes: int) -> None:
    """Refuse memory that is not a multiple of 2 MB, or out of range."""
    low, high = MEMORY_RANGE
    if not low <= memory_bytes <= high or memory_bytes % MEMORY_GRANULE:
        raise refusals.parameter(
            "SetVM",
            f"Failed to modify device 'Memory'.\nInvalid memory value assigned for '{name}'. Memory values must be "
            f"properly aligned.\nThe memory value assigned ('{memory_bytes >> 20}' MB) is not properly aligned.",
        )


def set_static_memory(pc: HostState, vm_id: str, memory_bytes: int) -> None:
    """`Set-VM -StaticMemory -MemoryStartupBytes`: a running VM with static memory is resized while it runs."""
    vm = get(pc, vm_id, "SetVM")
    _check_memory(vm["name"], memory_bytes)
    resizes = memory_bytes != vm["memory_bytes"]
    if vm["state"] != "Off" and (vm["dynamic_memory"] or (resizes and vm["state"] != "Running")):
        raise refusals.device_in_use("SetVM", vm["name"], vm_id, "Memory")
    with changing(pc, vm_id, "SetVM") as vm:
        vm["dynamic_memory"] = False
        vm["memory_bytes"] = memory_bytes


def set_processors(pc: HostState, vm_id: str, count: int) -> None:
    """`Set-VM -ProcessorCount`: only while the VM is off."""
    vm = get(pc, vm_id, "SetVM")
    if vm["state"] != "Off":
        raise refusals.device_in_use("SetVM", vm["name"], vm_id, "Processor")
    if not 1 <= count <= pc.read()["cpu"]["logical"]:
        message = (
            f"Failed to modify device 'Processor'.\nInvalid number of virtual processors assigned for '{vm['name']}'."
        )
        raise refusals.parameter("SetVM", message)
    with changing(pc, vm_id, "SetVM") as vm:
        vm["cpus"] = count


def set_properties(pc: HostState, vm_id: str, **properties: object) -> None:
    """Set what Set-VM changes in any state: notes, name, automatic actions."""
    with changing(pc, vm_id, "SetVM") as vm:
        vm.update(properties)


def set_firmware(
    pc: HostState, vm_id: str, *, template: str | None = None, boot_order: list[Json] | None = None
) -> None:
    """`Set-VMFirmware`: Secure Boot on with a template, or a new boot order; only while the VM is off."""
    vm = get(pc, vm_id, "SetVMFirmware")
    known = [name for name in pc.read()["secure_boot_templates"] if template and name.lower() == template.lower()]
    if template and not known:
        message = f"'{template}' matches none of the secure boot templates."
        raise refusals.parameter("SetVMFirmware", message)
    if vm["state"] != "Off":
        message = (
            f"'{vm['name']}' failed to modify settings.\n"
            "The operation cannot be performed while the object is in its current state."
        )
        raise refusals.hyperv("SetVMFirmware", "InvalidState", "InvalidOperation", message)
    if known and vm.get("tpm_used"):
        message = (
            f"'{vm['name']}' failed to modify settings.\nCannot modify the secure boot template ID property.\n"
            "The template cannot be changed after the virtual TPM is initialized."
        )
        raise refusals.hyperv("SetVMFirmware", "OperationFailed", "NotSpecified", message)
    with changing(pc, vm_id, "SetVMFirmware") as vm:
        if known:
            vm["secure_boot"] = True
            vm["secure_boot_template"] = known[0]
        if boot_order is not None:
            vm["boot_order"] = boot_order


def remove(pc: HostState, vm_id: str) -> None:
    """`Remove-VM -Force`: the configuration goes, disks stay; a running VM is refused."""
    vm = get(pc, vm_id, "RemoveVM")
    if vm["state"] not in ("Off", "Saved"):
        message = "The operation failed.\nThe operation cannot be performed while the object is in its current state."
        raise refusals.hyperv("RemoveVM", "InvalidState", "InvalidOperation", message)
    with outage.change(pc) as state:
        del state["vms"][vm_id]
    (pc.local(vm["path"]) / "Virtual Machines" / f"{vm_id.upper()}.vmcx").unlink(missing_ok=True)
