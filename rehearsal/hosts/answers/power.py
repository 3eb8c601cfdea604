"""Start-VM and Stop-VM, for the JSON answers."""

from __future__ import annotations

import time

from rehearsal.hosts.answers import machines, refusals
from rehearsal.hosts.state import HostState, Json, set_vm_state

GUEST_PATIENCE_S = 300
POLL_S = 0.1
MAC_POOL = 0x00155D0A0B00


def start(pc: HostState, vm_id: str) -> None:
    """Power a VM on, after the checks that make Hyper-V refuse it."""
    machines.get(pc, vm_id, "StartVM")
    with pc.change() as state:
        vm = state["vms"][vm_id]
        if vm["state"] == "Running":
            return
        if vm["state"] not in ("Off", "Saved"):
            raise refusals.wrong_state("StartVM")
        _check_disks(pc, vm)
        _check_adapters(state, vm)
        _check_memory(state, vm)
        for adapter in vm["adapters"]:
            if adapter["mac"] == machines.NO_MAC:
                adapter["mac"] = _free_mac(state)
        set_vm_state(state, vm_id, "Running")


def turn_off(pc: HostState, vm_id: str) -> None:
    """`Stop-VM -TurnOff`: the power is cut."""
    machines.get(pc, vm_id, "StopVM")
    _to(pc, vm_id, "Off")


def shut_down(pc: HostState, vm_id: str) -> None:
    """`Stop-VM`: ask the guest and wait; refused when nobody in the guest can be asked."""
    vm = machines.get(pc, vm_id, "StopVM")
    if vm["state"] == "Off":
        return
    if vm["state"] != "Running" or not vm["shutdown_service"]:
        message = "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
        raise refusals.hyperv("StopVM", "InvalidOperation", "InvalidOperation", message)
    _to(pc, vm_id, "Stopping")
    deadline = time.monotonic() + GUEST_PATIENCE_S
    while pc.read()["vms"].get(vm_id, {"state": "Off"})["state"] != "Off":
        if time.monotonic() > deadline:
            _to(pc, vm_id, "Running")
            message = f'Failed to shut down virtual machine "{vm["name"]}".'
            raise refusals.hyperv("StopVM", "OperationFailed", "NotSpecified", message)
        time.sleep(POLL_S)


def free_memory(state: Json) -> int:
    """Return what Windows and the running VMs leave of the memory, in bytes."""
    running = (vm["memory_bytes"] for vm in state["vms"].values() if vm["state"] not in ("Off", "Saved"))
    return int(state["memory_bytes"] - state["memory_used_bytes"] - sum(running))


def _to(pc: HostState, vm_id: str, to: str) -> None:
    with pc.change() as state:
        if vm_id in state["vms"]:
            set_vm_state(state, vm_id, to)


def _check_disks(pc: HostState, vm: Json) -> None:
    for drive in vm["drives"]:
        if not pc.local(drive["path"]).is_file():
            raise refusals.unspecified(
                "StartVM",
                f"'{vm['name']}' failed to start. (Virtual machine ID {vm['id'].upper()})\n'{vm['name']}' Synthetic "
                "SCSI Controller: Failed to Power on with Error 'The system cannot find the file specified.' "
                f"(0x80070002).\n'{vm['name']}': Failed to open attachment '{drive['path']}'.",
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


def _check_memory(state: Json, vm: Json) -> None:
    if vm["memory_bytes"] > free_memory(state):
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
