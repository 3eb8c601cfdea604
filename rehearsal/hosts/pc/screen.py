"""What a running VM's console shows: red from left to right, green from top to bottom."""

from __future__ import annotations

import base64
import re
import struct

from rehearsal.hosts.state import HostState, Json

WIDTH, HEIGHT = 64, 48
INVALID_PARAMETER, INVALID_STATE = 32773, 32775
TRAILING_BYTES = 4
SETTINGS = re.compile(r'Msvm_VirtualSystemSettingData\.InstanceID="Microsoft:([0-9A-F-]{36})"$')


def thumbnail(pc: HostState, target: str, width: int, height: int) -> Json:
    """`GetVirtualSystemThumbnailImage` of Msvm_VirtualSystemManagementService: its return value and the bytes.

    The target is the path of a Msvm_VirtualSystemSettingData (learn.microsoft.com, hyperv_v2), that of a VM and not of
    a checkpoint; four bytes follow the pixels.
    """
    named = SETTINGS.search(target)
    vm = pc.read()["vms"].get(named[1].lower()) if named else None
    if vm is None or vm["state"] != "Running":
        return {"value": INVALID_PARAMETER if vm is None else INVALID_STATE, "image": None}
    return {"value": 0, "image": base64.b64encode(picture(width, height) + bytes(TRAILING_BYTES)).decode()}


def picture(width: int, height: int) -> bytes:
    """Draw it, as Hyper-V's thumbnails are: RGB565, lowest byte first."""
    pixels = ((x * 31 // width << 11) | (y * 63 // height << 5) | 8 for y in range(height) for x in range(width))
    return b"".join(struct.pack("<H", pixel) for pixel in pixels)
