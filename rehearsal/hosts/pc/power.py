"""Start-VM and Stop-VM. A text that they return is the warning that the cmdlet gives."""

from __future__ import annotations

import time

from rehearsal.hosts import outage
from rehearsal.hosts.pc import disks, machines, refusals
from rehearsal.hosts.state import HostState, Json, set_vm_state

GUEST_PATIENCE_S = 300
POLL_S = 0.1
ALREADY = "The virtual machine is already in the specified state."
NO_SERVICE = (
    'Hyper-V can\'t shut down virtual machine "{name}" because the Shutdown integration service is unavailable. You '
    "can turn off the virtual machine, but doing so might result in data loss."
)
MAC_POOL = 0x00155D0A0B00


def start(pc: HostState, vm_id: str) -> str:
    """Power a VM on, after the checks that make Hyper-V refuse it."""
    machines.get(pc, vm_id, "StartVM")
    with outage.change(pc) as state:
        vm = state["vms"][vm_id]
        if vm["state"] == "Running":
            return ALREADY
        if vm["state"] == "Paused":
            vm["state"] = "Running"
            return f'The virtual machine "{vm["name"]}" was paused. Use the Resume-VM cmdlet instead.'
        if vm["state"] not in ("Off", "Saved"):
            raise refusals.wrong_state("StartVM", vm["name"])
        _check_files(pc, state, vm)
        _check_adapters(state, vm)
        _check_hypervisor(state, vm)
        _check_memory(state, vm)
        for adapter in vm["adapters"]:
            if adapter["mac"] == machines.NO_MAC:
                adapter["mac"] = _free_mac(state)
        set_vm_state(state, vm_id, "Running")
    return ""


def turn_off(pc: HostState, vm_id: str) -> str:
    """`Stop-VM -TurnOff`: the power is cut."""
    if machines.get(pc, vm_id, "StopVM")["state"] == "Off":
        return ALREADY
    _to(pc, vm_id, "Off")
    return ""


def save(pc: HostState, vm_id: str) -> str:
    """`Stop-VM -Save`: nothing is there to be saved of a VM that is off."""
    vm = machines.get(pc, vm_id, "StopVM")
    if vm["state"] == "Off":
        raise refusals.wrong_state("StopVM", vm["name"])
    _to(pc, vm_id, "Saved")
    return ""


def shut_down(pc: HostState, vm_id: str, *, force: bool = False) -> str:
    """`Stop-VM`: ask the guest and wait; when nobody in the guest can be asked, the power is cut with `force` only."""
    vm = machines.get(pc, vm_id, "StopVM")
    if vm["state"] == "Off":
        return ALREADY
    if vm["state"] != "Running" or not vm["shutdown_service"]:
        if not force:
            raise refusals.QuestionError("StopVM", NO_SERVICE.format(**vm))
        _to(pc, vm_id, "Off")
    elif vm.get("guest_refuses"):
        raise _give_up(pc, vm, force)
    else:
        _wait_for_guest(pc, vm, force)
    return ""


def _wait_for_guest(pc: HostState, vm: Json, force: bool) -> None:
    _to(pc, vm["id"], "Stopping")
    deadline = time.monotonic() + GUEST_PATIENCE_S
    while pc.read()["vms"].get(vm["id"], {"state": "Off"})["state"] != "Off":
        if time.monotonic() > deadline:
            raise _give_up(pc, vm, force)
        time.sleep(POLL_S)


def _give_up(pc: HostState, vm: Json, force: bool) -> refusals.RefusedError:
    """The guest did not stop, which is an error also where -Force cuts the power then."""
    _to(pc, vm["id"], "Off" if force else "Running")
    return refusals.failed("StopVM", f'Failed to shut down virtual machine "{vm["name"]}".')


def free_memory(state: Json) -> int:
    """Return what Windows and the running VMs leave of the memory, in bytes."""
    running = (vm["memory_bytes"] for vm in state["vms"].values() if vm["state"] not in ("Off", "Saved"))
    return int(state["memory_bytes"] - state["memory_used_bytes"] - sum(running))


def _to(pc: HostState, vm_id: str, to: str) -> None:
    with outage.change(pc) as state:
        if vm_id in state["vms"]:
            set_vm_state(state, vm_id, to)


def _check_files(pc: HostState, state: Json, vm: Json) -> None:
    failed = f"'{vm['name']}' failed to start. (Virtual machine ID {vm['id'].upper()})"
    for path in [drive["path"] for drive in vm["drives"] + vm["dvds"] if drive["path"]]:
        if disks.listed(state, "barred_files", path):
            raise refusals.hyperv("StartVM", "AccessDenied", "PermissionDenied", failed)
        if disks.listed(state, "held_files", path):
            why = "The process cannot access the file because it is being used by another process.' (0x80070020)"
        elif not pc.local(path).is_file():
            why = "The system cannot find the file specified.' (0x80070002)"
        else:
            continue
        raise refusals.unspecified(
            "StartVM",
            f"{failed}\n'{vm['name']}' Synthetic SCSI Controller: Failed to Power on with Error '{why}.\n"
            f"'{vm['name']}': Failed to open attachment '{path}'.",
        )


def _check_adapters(state: Json, vm: Json) -> None:
    switches = {switch["name"] for switch in state["switches"]}
    others = {
        adapter["mac"]
        for other in state["vms"].values()
        if other["id"] != vm["id"] and other["state"] != "Off"
        for adapter in other["adapters"]
    }
    for adapter in vm["adapters"]:
        gone = adapter["switch"] is not None and adapter["switch"] not in switches
        if gone or (adapter["mac"] != machines.NO_MAC and adapter["mac"] in others):
            raise refusals.unspecified(
                "StartVM",
                f"'{vm['name']}' failed to start.\nSynthetic Ethernet Port: Error 'Access is denied.'. Failed to "
                "allocate resources while connecting to a virtual network. The Ethernet switch may not exist.",
            )


def _check_hypervisor(state: Json, vm: Json) -> None:
    """Words: MicrosoftDocs/Virtualization-Documentation#1432; id of a start that failed so: minikube#6601."""
    if not state["hypervisor"]:
        failed = f"'{vm['name']}' failed to start."
        raise refusals.hyperv(
            "StartVM",
            "OperationFailed",
            "NotSpecified",
            f"{failed}\nVirtual machine '{vm['name']}' could not be started because the hypervisor is not running.\n"
            f"{failed} (Virtual machine ID {vm['id'].upper()})",
        )


def _check_memory(state: Json, vm: Json) -> None:
    if vm["memory_bytes"] <= free_memory(state):
        return
    if state.get("memory_scattered"):  # the same want of memory under its other name
        raise refusals.unspecified(
            "StartVM",
            f"'{vm['name']}' failed to start.\nUnable to allocate {vm['memory_bytes'] >> 20} MB of RAM: Insufficient "
            "system resources exist to complete the requested service. (0x800705AA).",
        )
    raise refusals.hyperv(
        "StartVM",
        "OutOfMemory",
        "FromStdErr",
        f"'{vm['name']}' failed to start.\nNot enough memory in the system to start the virtual machine "
        f"{vm['name']} with ram size {vm['memory_bytes'] >> 20} megabytes.\nCould not initialize memory: Not "
        "enough memory resources are available to complete this operation. (0x8007000E).",
    )


def _free_mac(state: Json) -> str:
    used = {adapter["mac"] for vm in state["vms"].values() for adapter in vm["adapters"]}
    return next(mac for number in range(256) if (mac := f"{MAC_POOL + number:012X}") not in used)
