"""What stays on the PCs when every machine of the lab is gone, and what removes it. Nothing here changes anything.

The machines are gone; the rest was made or fetched once, may serve another lab, and is removed when a person says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.description.lab import Host, Lab
    from labkit.hyperv.facts import HostFacts
    from labkit.hyperv.findings import Facts

HEADING = "What stays, and what removes it: `inv` here, the rest there, typed in an administrator's PowerShell:"
UNDO = r".\Enable-LabHost.ps1 -Undo"


@dataclass(frozen=True)
class Remnant:
    """One thing that stays on a host, and the command that removes it."""

    host: str
    what: str
    command: str

    def __str__(self) -> str:
        """A line for the user."""
        return f"{self.host}: {self.what}: {self.command}"


def remains(lab: Lab, facts: Facts) -> list[Remnant]:
    """What of the lab stays on the hosts that answered: switches, NAT, data disks, the DVD image, the account. Pure."""
    return [one for host in lab.hosts if host.name in facts for one in _on(lab, host, facts[host.name])]


def _on(lab: Lab, host: Host, here: HostFacts) -> Iterator[Remnant]:
    there = {switch.name for switch in here.switches}
    for switch in (one for one in lab.switches if one.name in there):
        if switch.type == "Internal":
            yield Remnant(host.name, f"the NAT of {lab.external.cidr}", f"Remove-NetNat -Name {_quoted(lab.name)}")
        what = f"the switch {switch.name}, which other machines may use"
        yield Remnant(host.name, what, "inv hyperv.remove-switch")
    for disk in (one for one in here.disks if one.kind == "data"):
        files = f"{_quoted(disk.path)}, {_quoted(f'{disk.path}.lab.json')}"
        what = f"the data disk of {disk.machine}, with all that is stored on it"
        yield Remnant(host.name, what, f"Remove-Item -LiteralPath {files}")
    if here.has_iso:
        yield Remnant(host.name, "the DVD image", f"Remove-Item -LiteralPath {_quoted(lab.iso_path)}")
    yield Remnant(host.name, f"the account {host.user}, WinRM and its firewall rule", UNDO)


def _quoted(text: str) -> str:
    """As PowerShell takes a text literally."""
    return "'" + text.replace("'", "''") + "'"
