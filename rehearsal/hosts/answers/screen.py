"""The answer of Get-LabScreen.ps1."""

from __future__ import annotations

import base64

from rehearsal.hosts.answers import changes
from rehearsal.hosts.pc import machines
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.pc.screen import HEIGHT, WIDTH, picture
from rehearsal.hosts.state import HostState, Json


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
