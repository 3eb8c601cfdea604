"""Takes the lab's virtual switches away: those that it made itself, by id, and while no VM is on one.

An External one the PC removes by itself, as it makes one (`switching`): what its own adapter on the switch has goes
back to the physical one, which is tried for ten minutes and at each start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import RefusedError
from labkit.hyperv import switching
from labkit.transport import powershell

if TYPE_CHECKING:
    from labkit.description.lab import Host, Lab
    from labkit.session import Session


@dataclass(frozen=True)
class Removal:
    """A switch of the lab's on a host."""

    host: Host
    id: str
    name: str
    type: str

    def __str__(self) -> str:
        """What goes, in a line."""
        text = f"virtual switch {self.name} ({self.type}, {self.id}) of {self.host.name} ({self.host.address})"
        if self.type != "External":
            return text
        return f"{text}, whose network pauses for some seconds; address, DNS and gateway stay"


def find(session: Session) -> tuple[list[Removal], list[str]]:
    """The switches that go, by a fresh look, and a sentence for each of that name that stays: somebody else made it.

    Raises RefusedError where VMs are on a switch that would go.
    """
    lab = session.lab
    wanted = [{"name": one.name, "notes": switching.mark(lab, one.name)} for one in lab.switches]
    answers = session.hosts.ask("Get-LabSwitchUse", {host.name: {"VirtualSwitch": wanted} for host in lab.hosts})
    rows = [(host, row) for host in lab.hosts for row in answers[host.name]["switches"]]
    _refuse_used(lab, rows)
    going = [Removal(host, row["id"], row["name"], row["type"]) for host, row in rows if row["ours"]]
    stay = [
        f"{host.name}: switch {row['name']} stays: the lab did not make it" for host, row in rows if not row["ours"]
    ]
    return going, stay


def _refuse_used(lab: Lab, rows: Iterable[tuple[Host, Mapping[str, Any]]]) -> None:
    used = [(host, row) for host, row in rows if row["ours"] and row["vms"]]
    if used:
        raise RefusedError(
            [f"host {host.name}: on switch {row['name']} are VMs: {', '.join(row['vms'])}" for host, row in used],
            [
                f"`inv lab.destroy` removes those of {lab.name}; connect others with another switch in Hyper-V Manager",
            ],
        )


def remove(session: Session, removals: Sequence[Removal]) -> list[str]:
    """Remove exactly these, one PC after the other; return what went.

    Raises LabError when a PC could not be put back yet, UnreachableError when it is not known.
    """
    gone: list[str] = []
    for host in dict.fromkeys(one.host for one in removals):
        own = [one for one in removals if one.host == host]
        given = {
            "Lab": session.lab.name, "Program": powershell.script_text("Invoke-LabSwitch"),
            "VirtualSwitch": [
                {"id": one.id, "name": one.name, "notes": switching.mark(session.lab, one.name)} for one in own
            ],
        }  # fmt: skip
        rows = session.hosts.run("Remove-LabSwitch", {host.name: given})[host.name]["switches"]
        begun = switching.tell_way_back(session, host, rows)
        if begun:
            switching.follow(session, host, begun)
        gone += [f"{row['name']} of {host.name}" for row in rows if row["changed"]]
    return gone
