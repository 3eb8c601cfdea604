"""Virtual disks and the drives that hold them: small JSON files on drive C:, whose content the room keeps elsewhere."""

from __future__ import annotations

import json
import uuid
from pathlib import PureWindowsPath

from rehearsal.hosts import outage
from rehearsal.hosts.pc import machines, refusals
from rehearsal.hosts.state import HostState, Json, NoDriveError

LOCATIONS = 64
FIRST_BYTES = 4 << 20  # what an empty dynamic disk takes; its full size is not asked for
DEFAULT_BLOCK = 32 << 20
SMALLEST_DISK, LARGEST_DISK = 3 << 20, 64 << 40
SECTOR = 512
ENDINGS = (".vhd", ".vhdx", ".avhd", ".avhdx")
DEVICES = {"drives": "Virtual Hard Disk", "dvds": "Virtual CD/DVD Disk", "adapters": "Synthetic Ethernet Port"}
NO_PATH = "The system cannot find the path specified. (0x80070003)."
COMPRESSED = "Virtual hard disk files must be uncompressed and unencrypted and must not be sparse."
ADDERS = {"drives": "AddVMHardDiskDrive", "dvds": "AddVMDvdDrive"}


def new_disk(
    pc: HostState, path: str, size_bytes: int, block_size_bytes: int = DEFAULT_BLOCK, kind: str = "Dynamic"
) -> Json:
    """`New-VHD`: the file is made, its size is not taken yet."""
    machines.require_service(pc, "NewVhd")
    try:
        place = pc.local(path)
    except NoDriveError as error:
        raise _not_made(path, NO_PATH, "ObjectNotFound", "ObjectNotFound") from error
    if not SMALLEST_DISK <= size_bytes <= LARGEST_DISK or size_bytes % SECTOR:
        why = "One or more arguments are invalid (0x80070057)."
        raise _not_made(path, why, "InvalidParameter", "InvalidArgument")
    if place.exists():
        raise _not_made(path, "The file exists. (0x80070050).")
    if not place.parent.is_dir():
        raise _not_made(path, NO_PATH, "ObjectNotFound", "ObjectNotFound")
    if free_space(pc) < FIRST_BYTES:
        raise _not_made(path, "There is not enough space on the disk. (0x80070070).")
    if pc.read().get("compressed"):
        raise _not_made(path, f"{COMPRESSED} (0xC03A001A).")
    outage.before_files(pc)
    content = {
        "vhd": str(uuid.uuid4()), "size_bytes": size_bytes, "type": kind, "block_size_bytes": block_size_bytes,
    }  # fmt: skip
    place.write_text(json.dumps(content), encoding="utf-8")
    return content


def _not_made(
    path: str, why: str, error_id: str = "OperationFailed", category: str = "NotSpecified"
) -> refusals.RefusedError:
    message = f"Failed to create the virtual hard disk.\nThe system failed to create '{path}': {why}"
    return refusals.vhd("NewVhd", error_id, category, message)


def read_disk(pc: HostState, path: str) -> Json:
    """`Get-VHD`: what a disk's file says of it, and what the room says was written to it."""
    machines.require_service(pc, "GetVHD")
    if not is_file(pc, path) or not path.lower().endswith(ENDINGS):
        message = f"'{path}' is not an existing virtual hard disk file."
        raise refusals.vhd("GetVHD", "InvalidParameter", "InvalidArgument", message)
    if listed(pc.read(), "held_files", path):
        message = "The operation cannot be performed while the object is in use."
        raise refusals.vhd("GetVHD", "ObjectInUse", "ResourceBusy", message)
    try:
        content: Json = json.loads(pc.local(path).read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"Failed to get disk information of '{path}'.\n"
        message += "The file or directory is corrupted and unreadable. (0x80070570)."
        raise refusals.vhd("GetVHD", "OperationFailed", "NotSpecified", message) from error
    return {"file_bytes": FIRST_BYTES, **content}


def spelled(path: str) -> str:
    """A path as Windows spells it: back slashes, on drive C: unless it names one."""
    windows = PureWindowsPath(path)
    return str(windows if windows.drive else PureWindowsPath("C:\\", windows))


def free_space(pc: HostState) -> int:
    """Return the bytes that are free on drive C:."""
    volume = pc.read()["volume"]
    return int(volume["size_bytes"] - volume["used_bytes"])


def is_file(pc: HostState, path: str) -> bool:
    """Whether a file is there; on a drive that is none it is not."""
    try:
        return pc.local(path).is_file()
    except NoDriveError:
        return False


def listed(state: Json, which: str, path: str) -> bool:
    """Whether a file stands in held_files (somebody has it open) or barred_files (the host may not open it)."""
    return path.lower() in (one.lower() for one in state.get(which, []))


def is_open(pc: HostState, path: str) -> bool:
    """Whether a running VM, or somebody else, has a file open: nobody deletes it then."""
    state = pc.read()
    running = (vm for vm in state["vms"].values() if vm["state"] not in ("Off", "Saved"))
    opened = [drive["path"].lower() for vm in running for drive in vm["drives"]]
    return path.lower() in opened or listed(state, "held_files", path)


def before_delete(pc: HostState, path: str) -> None:
    """What comes before `Remove-Item` of a file: it is refused while the file is open."""
    if is_open(pc, path) or outage.fails_at_first(pc, "Remove-Item"):
        raise refusals.file_in_use(path)
    outage.before_files(pc)


def attach(
    pc: HostState,
    vm_id: str,
    kind: str,
    path: str | None,
    *,
    bus: str = "SCSI",
    controller: int = 0,
    location: int | None = None,
) -> Json:
    """Put a file into a VM's `drives` or `dvds` at the first free place of its SCSI controller, or the one named."""
    cmdlet, device = ADDERS[kind], DEVICES[kind]
    vm = machines.get(pc, vm_id, cmdlet)
    if bus == "IDE":
        raise refusals.parameter(cmdlet, "Generation 2 virtual machines do not support IDE.")
    if path is not None:
        _check_file(pc, vm, path, kind)
    if vm["state"] == "Saved":
        raise refusals.device_in_use(cmdlet, vm["name"], vm_id, device)
    with outage.change(pc) as state:
        if path is not None:
            _check_holder(state, vm_id, path, cmdlet, device)
        vm = state["vms"][vm_id]
        place = _free_location(vm, cmdlet, controller, location)
        drive = {
            "id": f"{machines.new_id(vm_id)}\\0\\0\\D", "path": path, "controller": controller, "location": place,
        }  # fmt: skip
        vm[kind].append(drive)
        vm["boot_order"].append({"type": "drive", "id": drive["id"]})
    return drive


def insert(pc: HostState, vm_id: str, dvd_id: str, path: str | None) -> None:
    """`Set-VMDvdDrive -Path`; None takes the disk out."""
    machines.require_service(pc, "SetVMDvdDrive")
    if path is not None:
        if not is_file(pc, path):
            message = "Failed to modify device 'Virtual CD/DVD Disk'.\n"
            message += "The system cannot find the file specified. (0x80070002)"
            raise refusals.not_found("SetVMDvdDrive", message)
        if listed(pc.read(), "barred_files", path):
            raise refusals.no_permission("SetVMDvdDrive", "modify", DEVICES["dvds"], path)
    change(pc, vm_id, "dvds", dvd_id, "SetVMDvdDrive", path=path)


def change(pc: HostState, vm_id: str, kind: str, device_id: str, cmdlet: str, **properties: object) -> None:
    """Set properties of one device of a VM, as they stand in the state; one that is gone is refused."""
    with machines.changing(pc, vm_id, cmdlet) as vm:
        device = next((item for item in vm[kind] if item["id"] == device_id), None)
        if device is None:
            raise refusals.not_found(cmdlet, f"The device '{device_id}' does not exist any more.")
        device.update(properties)


def remove(pc: HostState, vm_id: str, device_id: str, kind: str, cmdlet: str) -> None:
    """Take a device out of a VM's list `kind` (adapters, drives, dvds) and out of its boot order; not of a saved VM.

    A running VM may not let go of its DVD drive at first, or never: neonSDK#10 met "Not supported". One that was turned
    off a moment ago may not let go of its disks.
    """
    vm = machines.get(pc, vm_id, cmdlet)
    if kind == "dvds" and vm["state"] == "Running" and outage.fails_at_first(pc, "Remove-VMDvdDrive"):
        raise refusals.unspecified(cmdlet, f"Failed to remove device '{DEVICES[kind]}'.\nNot supported (0x8004100C).")
    if kind == "drives" and outage.fails_at_first(pc, "Remove-VMHardDiskDrive"):
        raise refusals.device_in_use(cmdlet, vm["name"], vm_id, DEVICES[kind])
    with machines.changing(pc, vm_id, cmdlet) as vm:
        if vm["state"] == "Saved":
            raise refusals.device_in_use(cmdlet, vm["name"], vm_id, DEVICES[kind])
        for items in (kind, "boot_order"):
            vm[items] = [item for item in vm[items] if item.get("id") != device_id]


def _check_file(pc: HostState, vm: Json, path: str, kind: str) -> None:
    cmdlet, device = ADDERS[kind], DEVICES[kind]
    if kind == "drives" and path.lower().endswith((".vhd", ".avhd")):
        raise refusals.parameter(cmdlet, "Generation 2 virtual machines do not support .vhd or .avhd format.")
    if not is_file(pc, path):
        raise refusals.not_found(
            cmdlet,
            f"Failed to add device '{device}'.\n'{vm['name']}' failed to add device '{device}'. The system cannot "
            "find the file specified. (0x80070002)",
        )
    # Files are opened by the host's account and the VM's, not by the caller's.
    if listed(pc.read(), "barred_files", path):
        raise refusals.no_permission(cmdlet, "add", device, path)


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


def _free_location(vm: Json, cmdlet: str, controller: int, wanted: int | None) -> int:
    taken = {drive["location"] for drive in vm["drives"] + vm["dvds"] if drive["controller"] == controller}
    free = [place for place in range(LOCATIONS) if place not in taken]
    if controller != 0 or not free or (wanted is not None and wanted not in free):
        message = (
            "The operation could not be completed because no available locations were found on the disk controller."
        )
        raise refusals.not_found(cmdlet, message)
    return free[0] if wanted is None else wanted
