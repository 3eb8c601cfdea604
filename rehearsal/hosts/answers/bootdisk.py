"""The answers of the scripts that put the bootstrap server's boot disk into its drive, and take it out."""

from __future__ import annotations

import base64
from typing import IO

from rehearsal.hosts.answers import build, changes
from rehearsal.hosts.answers.media import existing
from rehearsal.hosts.pc import disks, firmware, machines
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json


def set_lab_boot_disk(pc: HostState, given: Json) -> Json:
    """Write the boot disk, give it a drive, and make it the second thing to start from."""
    vm = _own(pc, given)
    if vm["state"] != "Off":
        raise RefusedError(f"{vm['name']} is {vm['state']}", "LabNotOff", "InvalidOperation")
    with existing(pc, given["Iso"]).open("rb") as source, pc.local(given["Path"]).open("wb") as image:
        for part in given["Part"]:
            image.write(_part(part, source))
    if not _drives(vm, given["Path"]):
        disks.attach(pc, vm["id"], "dvds", given["Path"])
        vm = machines.get(pc, vm["id"])
    others = [dvd["id"] for dvd in vm["dvds"] if dvd["path"] and dvd["path"].lower() != given["Path"].lower()]
    system = [disk["id"] for disk in vm["drives"] if disk["path"].lower() == given["Disk"].lower()]
    order = [{"type": "drive", "id": one} for one in (*system, *_drives(vm, given["Path"]), *others)]
    order += [{"type": "network", "id": nic["id"]} for nic in vm["adapters"] if nic["name"].lower() == "mgmt"]
    firmware.set_firmware(pc, vm["id"], boot_order=order)
    return {"changed": True}


def remove_lab_boot_disk(pc: HostState, given: Json) -> Json:
    """Take the boot disk out and delete it."""
    vm = _own(pc, given)
    drives = _drives(vm, given["Path"])
    for one in drives:
        _take_out(pc, vm["id"], one)
    there = pc.local(given["Path"]).exists()
    if there:
        changes.delete(pc, given["Path"])
    return {"changed": bool(drives) or there}


def _take_out(pc: HostState, vm_id: str, drive_id: str) -> None:
    """With its drive, or where that does not go, without."""
    try:
        build.again(lambda: disks.remove(pc, vm_id, drive_id, "dvds", "RemoveVMDvdDrive"))
    except RefusedError:
        disks.insert(pc, vm_id, drive_id, None)


def _own(pc: HostState, given: Json) -> Json:
    vm = machines.get(pc, given["Id"])
    if changes.mark_of(vm).get("lab") != given["Lab"]:
        raise changes.not_ours(vm, given["Lab"])
    return vm


def _drives(vm: Json, path: str) -> list[str]:
    return [dvd["id"] for dvd in vm["dvds"] if (dvd["path"] or "").lower() == path.lower()]


def _part(part: Json, source: IO[bytes]) -> bytes:
    if "data" in part:
        return base64.b64decode(part["data"])
    if "zero" in part:
        return bytes(part["zero"])
    source.seek(part["from"])
    piece = source.read(part["length"])
    if len(piece) < part["length"]:
        raise RefusedError("the DVD image ends too early", "LabMediaShort", "InvalidData")
    return piece
