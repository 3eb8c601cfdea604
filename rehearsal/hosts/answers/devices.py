"""The parts of a VM, for the JSON answers: network adapters, disks, DVD drives."""

from __future__ import annotations

import json
import re
import uuid

from rehearsal.hosts import outage
from rehearsal.hosts.answers import machines, refusals
from rehearsal.hosts.state import HostState, Json

LOCATIONS = 64
FIRST_BYTES = 4 << 20  # what an empty dynamic disk takes; its full size is not asked for
HIGHEST_VLAN = 4094
SMALLEST_DISK = 3 << 20
SECTOR = 512
PORT = "Synthetic Ethernet Port"
DEVICES = {"drives": "Virtual Hard Disk", "dvds": "Virtual CD/DVD Disk"}
ADDERS = {"drives": "AddVMHardDiskDrive", "dvds": "AddVMDvdDrive"}


def mac(cmdlet: str, given: str) -> str:
    """Return a MAC as Hyper-V stores it; refused unless it is six hex pairs and unicast."""
    if not re.fullmatch(r"([0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}", given):
        message = 'The parameter "StaticMacAddress" is not in the correct format.'
        raise refusals.parameter(cmdlet, message)
    plain = re.sub("[:-]", "", given).upper()
    if int(plain[:2], 16) % 2:
        raise refusals.hyperv(cmdlet, "OperationFailed", "NotSpecified", f"Failed to modify device '{PORT}'.")
    return plain


def add_adapter(pc: HostState, vm_id: str, name: str, address: str) -> Json:
    """`Add-VMNetworkAdapter -StaticMacAddress`."""
    fresh = machines.fresh_adapter(vm_id, name, mac("AddVMNetworkAdapter", address))
    with machines.changing(pc, vm_id, "AddVMNetworkAdapter") as vm:
        if vm["state"] == "Saved":
            raise refusals.device_in_use("AddVMNetworkAdapter", vm["name"], vm_id, PORT)
        vm["adapters"].append(fresh)
        vm["boot_order"].append({"type": "network", "id": fresh["id"]})
    return fresh


def remove(pc: HostState, vm_id: str, device_id: str, kind: str, cmdlet: str) -> None:
    """Take a device out of a VM's list `kind` (adapters, drives, dvds) and out of its boot order."""
    with machines.changing(pc, vm_id, cmdlet) as vm:
        if vm["state"] == "Saved":
            raise refusals.device_in_use(cmdlet, vm["name"], vm_id, DEVICES.get(kind, PORT))
        for items in (kind, "boot_order"):
            vm[items] = [item for item in vm[items] if item.get("id") != device_id]


def set_mac(pc: HostState, vm_id: str, adapter_id: str, address: str) -> None:
    """`Set-VMNetworkAdapter -StaticMacAddress`: only while the VM is off."""
    plain = mac("SetVMNetworkAdapter", address)
    vm = machines.get(pc, vm_id, "SetVMNetworkAdapter")
    if vm["state"] != "Off":
        raise refusals.device_in_use("SetVMNetworkAdapter", vm["name"], vm_id, PORT)
    set_adapter(pc, vm_id, adapter_id, mac=plain, dynamic_mac=False)


def set_vlan(pc: HostState, vm_id: str, adapter_id: str, vlan: int | None) -> None:
    """`Set-VMNetworkAdapterVlan`: access to one VLAN, or untagged (None)."""
    if vlan is not None and not 1 <= vlan <= HIGHEST_VLAN:
        message = f"The VLAN ID must be between 1 and {HIGHEST_VLAN}."
        raise refusals.parameter("SetVMNetworkAdapterVlan", message)
    set_adapter(pc, vm_id, adapter_id, vlan=vlan)


def set_adapter(pc: HostState, vm_id: str, adapter_id: str, **properties: object) -> None:
    """Set what can be changed in any state: switch, VLAN, guards."""
    with machines.changing(pc, vm_id, "SetVMNetworkAdapter") as vm:
        adapter = next(item for item in vm["adapters"] if item["id"] == adapter_id)
        adapter.update(properties)


def new_disk(pc: HostState, path: str, size_bytes: int, block_size_bytes: int) -> None:
    """`New-VHD -Dynamic`: a small JSON file; its content is kept elsewhere."""
    machines.require_service(pc, "NewVhd")
    failed = f"Failed to create the virtual hard disk.\nThe system failed to create '{path}': "
    if size_bytes < SMALLEST_DISK or size_bytes % SECTOR:
        message = failed + "One or more arguments are invalid (0x80070057)."
        raise refusals.vhd("NewVhd", "InvalidParameter", "InvalidArgument", message)
    place = pc.local(path)
    if place.exists():
        message = failed + "The file exists. (0x80070050)."
        raise refusals.vhd("NewVhd", "OperationFailed", "NotSpecified", message)
    if not place.parent.is_dir():
        message = failed + "The system cannot find the path specified. (0x80070003)."
        raise refusals.vhd("NewVhd", "ObjectNotFound", "ObjectNotFound", message)
    if free_space(pc) < FIRST_BYTES:
        message = failed + "There is not enough space on the disk. (0x80070070)."
        raise refusals.vhd("NewVhd", "OperationFailed", "NotSpecified", message)
    outage.before_files(pc)
    content = {
        "vhd": str(uuid.uuid4()),
        "size_bytes": size_bytes,
        "type": "Dynamic",
        "block_size_bytes": block_size_bytes,
    }
    place.write_text(json.dumps(content), encoding="utf-8")


def free_space(pc: HostState) -> int:
    """Return the bytes that are free on drive C:."""
    volume = pc.read()["volume"]
    return int(volume["size_bytes"] - volume["used_bytes"])


def listed(state: Json, which: str, path: str) -> bool:
    """Whether a file stands in held_files (somebody has it open) or barred_files (the host may not open it)."""
    return path.lower() in (one.lower() for one in state.get(which, []))


def attach(pc: HostState, vm_id: str, kind: str, path: str) -> Json:
    """Put a file into a VM's `drives` or `dvds` at the first free place of its SCSI controller."""
    cmdlet, device = ADDERS[kind], DEVICES[kind]
    vm = machines.get(pc, vm_id, cmdlet)
    if not pc.local(path).is_file():
        raise refusals.not_found(
            cmdlet,
            f"Failed to add device '{device}'.\n'{vm['name']}' failed to add device '{device}'. The system cannot "
            "find the file specified. (0x80070002)",
        )
    if listed(pc.read(), "barred_files", path):
        raise refusals.no_permission(cmdlet, "add", device, path)
    if vm["state"] == "Saved":
        raise refusals.device_in_use(cmdlet, vm["name"], vm_id, device)
    with outage.change(pc) as state:
        _check_holder(state, vm_id, path, cmdlet, device)
        vm = state["vms"][vm_id]
        drive = {
            "id": f"Microsoft:{vm_id.upper()}\\{str(uuid.uuid4()).upper()}\\0\\0\\D",
            "path": path,
            "controller": 0,
            "location": _free_location(vm, cmdlet),
        }
        vm[kind].append(drive)
        vm["boot_order"].append({"type": "drive", "id": drive["id"]})
    return drive


def insert(pc: HostState, vm_id: str, dvd_id: str, path: str) -> None:
    """`Set-VMDvdDrive -Path`."""
    machines.require_service(pc, "SetVMDvdDrive")
    if not pc.local(path).is_file():
        message = (
            "Failed to modify device 'Virtual CD/DVD Disk'.\nThe system cannot find the file specified. (0x80070002)"
        )
        raise refusals.not_found("SetVMDvdDrive", message)
    if listed(pc.read(), "barred_files", path):
        raise refusals.no_permission("SetVMDvdDrive", "modify", "Virtual CD/DVD Disk", path)
    with machines.changing(pc, vm_id, "SetVMDvdDrive") as vm:
        next(item for item in vm["dvds"] if item["id"] == dvd_id)["path"] = path


def _check_holder(state: Json, vm_id: str, path: str, cmdlet: str, device: str) -> None:
    holders = [
        other_id
        for other_id, other in state["vms"].items()
        if any((drive["path"] or "").lower() == path.lower() for drive in other["drives"])
        and (other_id == vm_id or other["state"] != "Off")
    ]
    if holders or listed(state, "held_files", path):
        raise refusals.hyperv(
            cmdlet,
            "ObjectInUse",
            "ResourceBusy",
            f"Failed to add device '{device}'.\nThe process cannot access the file '{path}' because it is being used "
            "by another process. (0x80070020)",
        )


def _free_location(vm: Json, cmdlet: str) -> int:
    taken = {drive["location"] for drive in vm["drives"] + vm["dvds"]}
    free = next((place for place in range(LOCATIONS) if place not in taken), None)
    if free is None:
        message = (
            "The operation could not be completed because no available locations were found on the disk controller."
        )
        raise refusals.not_found(cmdlet, message)
    return free
