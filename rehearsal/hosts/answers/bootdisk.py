"""The answers of the scripts about the bootstrap server's media: the DVD image, and the boot disk made beside it."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import IO

from rehearsal.hosts.answers import changes, devices, machines
from rehearsal.hosts.answers.refusals import RefusedError, no_file
from rehearsal.hosts.state import HostState, Json

SECTOR = 2048
DESCRIPTORS = (16, 4)  # the first one's sector, and how many are read
BOOT_SYSTEM = b"EL TORITO SPECIFICATION"


def get_lab_media(pc: HostState, given: Json) -> Json:
    """Tell what the DVD image says of itself, and how large a disk's file is."""
    iso = _file(pc, given["Iso"])
    with iso.open("rb") as image:
        descriptors = _read(image, *DESCRIPTORS)
        place = _catalog(descriptors)
        catalog = b"" if place is None else _read(image, place, 1)
    machines.require_service(pc, "GetVHD")
    disk = json.loads(pc.local(given["Disk"]).read_text(encoding="utf-8"))
    media = {"bytes": iso.stat().st_size, "descriptors": _text(descriptors), "catalog": _text(catalog)}
    return {"changed": False, "disk_bytes": disk.get("file_bytes", devices.FIRST_BYTES), "media": media}


def set_lab_boot_disk(pc: HostState, given: Json) -> Json:
    """Write the boot disk, give it a drive, and make it the second thing to start from."""
    vm = _own(pc, given)
    if vm["state"] != "Off":
        raise RefusedError(f"{vm['name']} is {vm['state']}", "LabNotOff", "InvalidOperation")
    with _file(pc, given["Iso"]).open("rb") as source, pc.local(given["Path"]).open("wb") as image:
        for part in given["Part"]:
            image.write(_part(part, source))
    if not _drives(vm, given["Path"]):
        devices.attach(pc, vm["id"], "dvds", given["Path"])
        vm = machines.get(pc, vm["id"])
    others = [dvd["id"] for dvd in vm["dvds"] if dvd["path"] and dvd["path"].lower() != given["Path"].lower()]
    disks = [disk["id"] for disk in vm["drives"] if disk["path"].lower() == given["Disk"].lower()]
    order = [{"type": "drive", "id": one} for one in (*disks, *_drives(vm, given["Path"]), *others)]
    order += [{"type": "network", "id": nic["id"]} for nic in vm["adapters"] if nic["name"].lower() == "mgmt"]
    machines.set_firmware(pc, vm["id"], boot_order=order)
    return {"changed": True}


def remove_lab_boot_disk(pc: HostState, given: Json) -> Json:
    """Take the boot disk out and delete it."""
    vm = _own(pc, given)
    drives = _drives(vm, given["Path"])
    for one in drives:
        devices.remove(pc, vm["id"], one, "dvds", "RemoveVMDvdDrive")
    image = pc.local(given["Path"])
    there = image.exists()
    image.unlink(missing_ok=True)
    return {"changed": bool(drives) or there}


def _own(pc: HostState, given: Json) -> Json:
    vm = machines.get(pc, given["Id"])
    if changes.mark_of(vm).get("lab") != given["Lab"]:
        raise RefusedError(f"{vm['name']} is not of {given['Lab']}", "LabNotOurs", "PermissionDenied")
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


def _file(pc: HostState, path: str) -> Path:
    file = pc.local(path)
    if not file.is_file():
        raise no_file(path)
    return file


def _read(image: IO[bytes], first: int, count: int) -> bytes:
    image.seek(first * SECTOR)
    return image.read(count * SECTOR)


def _catalog(descriptors: bytes) -> int | None:
    for start in range(0, len(descriptors) - SECTOR + 1, SECTOR):
        if descriptors[start] == 0 and descriptors[start + 7 : start + 30] == BOOT_SYSTEM:
            return int(struct.unpack_from("<I", descriptors, start + 71)[0])
    return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
