"""VMs themselves: find, make, configure, remove."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from rehearsal.hosts import lan, outage
from rehearsal.hosts.pc import refusals
from rehearsal.hosts.state import HostState, Json, NoDriveError

DEFAULT_MEMORY = 512 << 20
NO_MAC = "0" * 12
OLD_BOOT_DEVICES = ("Floppy", "IDE", "LegacyNetworkAdapter")  # of generation 1 only
IN_STATE = "The operation cannot be performed while the object is in its current state."


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern of PowerShell's, without regard to case."""
    return fnmatchcase(name.lower(), pattern.lower())


def is_pattern(name: str) -> bool:
    """Whether a name holds wildcards: nobody is missed then."""
    return any(sign in name for sign in "*?[")


def require_service(pc: HostState, cmdlet: str, computer: str = "localhost") -> Json:
    """Return the PC's state; refused in the cmdlet's name when Hyper-V is down, just starting, or not for this user.

    `computer`: the PC as the cmdlet names it; '' is its own name, which needs a network to be found.
    """
    state = pc.read()
    # Hyper-V's cmdlets ask the network for the PC's own name.
    if state.get("hyperv_refuses") == "name" or (not computer and not lan.is_up(state)):
        raise refusals.no_computer(cmdlet, state["computer_name"])
    if state.get("hyperv_refuses") == "rights":
        raise refusals.no_rights(cmdlet, state["computer_name"])
    # A service that is just starting runs, and finds nothing yet.
    if state["services"].get("vmms") != "Running" or state.get("hyperv_refuses") == "starting":
        raise refusals.service_down(cmdlet, state["computer_name"])
    return state


def everyone(pc: HostState, cmdlet: str = "GetVM") -> list[Json]:
    """Return all VMs by name, as Get-VM does."""
    state = require_service(pc, cmdlet)
    return sorted(state["vms"].values(), key=lambda vm: str(vm["name"]).lower())


def find(pc: HostState, name: str, cmdlet: str = "GetVM") -> list[Json]:
    """Return the VMs whose name fits; a plain name that nobody has is refused, by Get-VM as a wrong argument."""
    found = [vm for vm in everyone(pc, cmdlet) if matches(name, vm["name"])]
    if not found and not is_pattern(name):
        raise refusals.no_machine_named(cmdlet, name)
    return found


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


def check_new(generation: int, boot_device: str, new_disk: str) -> None:
    """What New-VM refuses of its arguments before it makes anything."""
    if generation == 2 and boot_device in OLD_BOOT_DEVICES:
        raise refusals.parameter("NewVM", f"Generation 2 virtual machines do not support {boot_device}.")
    if new_disk and not new_disk.lower().endswith(".vhdx"):
        raise refusals.parameter("NewVM", "The path for a new virtual hard disk must use the .VHDX file extension.")


def new(
    pc: HostState,
    name: str,
    folder: str,
    *,
    generation: int = 2,
    memory_bytes: int = DEFAULT_MEMORY,
    switch: str | None = None,
) -> Json:
    """Make a VM without a disk, as `New-VM -NoVHD -Path` on client Windows does; names need not be different."""
    require_service(pc, "NewVM")
    vm_id = str(uuid.uuid4())
    path = f"{folder}\\{name}"
    try:
        configuration = _configuration(pc, path)
    except NoDriveError as error:
        message = (
            f"Failed to create a new virtual machine.\n'{name}' failed to realize. (Virtual machine ID {vm_id.upper()})"
            "\nFailed to access configuration store: The system cannot find the path specified. (0x80070003)."
        )
        raise refusals.not_found("NewVM", message) from error
    vm = fresh(vm_id, name, path, generation=generation, memory_bytes=memory_bytes, switch=switch)
    with outage.change(pc) as state:
        state["vms"][vm_id] = vm
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / f"{vm_id.upper()}.vmcx").touch()
    return vm


def fresh(
    vm_id: str,
    name: str,
    path: str,
    *,
    generation: int = 2,
    memory_bytes: int = DEFAULT_MEMORY,
    switch: str | None = None,
) -> Json:
    """Describe a VM as client Windows makes it: dynamic memory and automatic checkpoints on, one adapter."""
    adapter = fresh_adapter(vm_id, "Network Adapter", None, switch)
    return {
        "id": vm_id, "name": name, "notes": "", "state": "Off", "path": path, "generation": generation,
        "version": "12.0", "created_at": time.time(), "cpus": 1, "processor_compatibility": False, "nested": False,
        "memory_bytes": memory_bytes, "memory_minimum_bytes": DEFAULT_MEMORY, "memory_maximum_bytes": 1 << 40,
        "dynamic_memory": True, "automatic_checkpoints": True, "checkpoint_type": "Production",
        "start_action": "StartIfRunning", "stop_action": "Save", "start_delay_s": 0,
        "heartbeat": "NoContact", "shutdown_service": False,
        "adapters": [adapter], "drives": [], "dvds": [], "snapshots": [],
        "boot_order": [{"type": "network", "id": adapter["id"]}],
        "secure_boot": generation == 2, "secure_boot_template": "MicrosoftWindows", "power_on_count": 0,
        "started_at": None,
    }  # fmt: skip


def new_id(vm_id: str) -> str:
    """The id of a new device: the VM's, and one of its own."""
    return f"Microsoft:{vm_id.upper()}\\{str(uuid.uuid4()).upper()}"


def fresh_adapter(vm_id: str, name: str, mac: str | None, switch: str | None = None) -> Json:
    """Describe a new network adapter: untagged, its guards down."""
    return {
        "id": new_id(vm_id),
        "name": name, "mac": mac or NO_MAC, "dynamic_mac": mac is None, "switch": switch, "vlan": None,
        "dhcp_guard": False, "router_guard": False, "mac_spoofing": False, "addresses": [],
    }  # fmt: skip


def set_properties(pc: HostState, vm_id: str, **properties: object) -> None:
    """Set what Set-VM changes in any state: notes, name, automatic actions."""
    with changing(pc, vm_id, "SetVM") as vm:
        vm.update(properties)


def remove(pc: HostState, vm_id: str, *, force: bool = True) -> None:
    """`Remove-VM`: the configuration goes, disks stay; a running VM is refused, and without -Force it asks.

    One that was turned off a moment ago may be refused as well.
    """
    vm = get(pc, vm_id, "RemoveVM")
    if not force:
        question = f'Are you sure you want to remove virtual machine "{vm["name"]}"?'
        raise refusals.QuestionError("RemoveVM", question)
    if vm["state"] not in ("Off", "Saved") or outage.fails_at_first(pc, "Remove-VM"):
        raise refusals.state("RemoveVM", f"The operation failed.\n{IN_STATE}")
    with outage.change(pc) as state:
        del state["vms"][vm_id]
    (_configuration(pc, vm["path"]) / f"{vm_id.upper()}.vmcx").unlink(missing_ok=True)


def _configuration(pc: HostState, path: str) -> Path:
    return pc.local(path) / "Virtual Machines"
