"""The answer of Get-LabScreen.ps1: a picture of red from left to right and green from top to bottom."""

from __future__ import annotations

import base64
import struct

from rehearsal.hosts.answers import changes, machines
from rehearsal.hosts.answers.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

WIDTH, HEIGHT = 64, 48


def get_lab_screen(pc: HostState, given: Json) -> Json:
    """Tell what running machines show."""

    def work(wanted: Json, answer: Json) -> None:
        answer.pop("changed")
        vm = machines.get(pc, wanted["id"])
        mark = changes.mark_of(vm)
        answer["name"] = str(mark.get("machine", ""))
        if mark.get("lab") != given["Lab"]:
            raise changes.not_ours(vm, given["Lab"])
        if vm["state"] != "Running":
            raise RefusedError(f"{vm['name']} is {vm['state']}", "LabNotRunning", "InvalidOperation")
        answer.update(width=WIDTH, height=HEIGHT, image=base64.b64encode(picture(WIDTH, HEIGHT)).decode())

    rows = [{"name": "", "id": one} for one in given["Id"]]
    found = {**changes.each(rows, work, image=""), "changed": False}
    for row in found["machines"]:
        row.setdefault("width", 0)
        row.setdefault("height", 0)
    return found


def picture(width: int, height: int) -> bytes:
    """Draw it, as Hyper-V's thumbnails are: RGB565, lowest byte first."""
    pixels = ((x * 31 // width << 11) | (y * 63 // height << 5) | 8 for y in range(height) for x in range(width))
    return b"".join(struct.pack("<H", pixel) for pixel in pixels)
