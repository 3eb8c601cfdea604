"""What a VM is given of the PC: memory and processors."""

from __future__ import annotations

from rehearsal.hosts.pc import machines, refusals
from rehearsal.hosts.state import HostState

MEMORY_GRANULE = 2 << 20
MEMORY_RANGE = (32 << 20, 12 << 40)


def check_memory(cmdlet: str, name: str, memory_bytes: int) -> None:
    """Refuse memory that is not a multiple of 2 MB, or out of range."""
    low, high = MEMORY_RANGE
    if not low <= memory_bytes <= high or memory_bytes % MEMORY_GRANULE:
        raise refusals.parameter(
            cmdlet,
            f"Failed to modify device 'Memory'.\nInvalid memory value assigned for '{name}'. Memory values must be "
            f"properly aligned.\nThe memory value assigned ('{memory_bytes >> 20}' MB) is not properly aligned.",
        )


def set_memory(
    pc: HostState,
    vm_id: str,
    *,
    dynamic: bool | None = None,
    startup: int | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    cmdlet: str = "SetVM",
) -> None:
    """Set a VM's memory; static memory can be resized while the VM runs, everything else needs it off."""
    vm = machines.get(pc, vm_id, cmdlet)
    will_be_dynamic = vm["dynamic_memory"] if dynamic is None else dynamic
    sizes = {"memory_bytes": startup, "memory_minimum_bytes": minimum, "memory_maximum_bytes": maximum}
    given = {key: size for key, size in sizes.items() if size is not None}
    if not will_be_dynamic and given.keys() - {"memory_bytes"}:
        message = "Setting maximum, minimum, and buffer settings requires Dynamic Memory to be enabled."
        raise refusals.parameter(cmdlet, message)
    for size in given.values():
        check_memory(cmdlet, vm["name"], size)
    toggles = will_be_dynamic != vm["dynamic_memory"]
    resizes = startup is not None and startup != vm["memory_bytes"]
    if vm["state"] != "Off" and (toggles or (resizes and (will_be_dynamic or vm["state"] != "Running"))):
        raise refusals.device_in_use(cmdlet, vm["name"], vm_id, "Memory")
    with machines.changing(pc, vm_id, cmdlet) as vm:
        vm.update(given, dynamic_memory=will_be_dynamic)


def set_processors(
    pc: HostState, vm_id: str, count: int | None = None, cmdlet: str = "SetVM", **properties: bool
) -> None:
    """Set a VM's processors: only while it is off."""
    vm = machines.get(pc, vm_id, cmdlet)
    if vm["state"] != "Off":
        raise refusals.device_in_use(cmdlet, vm["name"], vm_id, "Processor")
    if count is not None and not 1 <= count <= pc.read()["cpu"]["logical"]:
        message = (
            f"Failed to modify device 'Processor'.\nInvalid number of virtual processors assigned for '{vm['name']}'."
        )
        raise refusals.parameter(cmdlet, message)
    with machines.changing(pc, vm_id, cmdlet) as vm:
        vm.update(properties if count is None else {**properties, "cpus": count})
