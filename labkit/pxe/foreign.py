"""Other DHCP servers on MGMT: looked for before the lab's own begins to answer there."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.errors import RefusedError
from labkit.pxe import server
from labkit.session import Session
from labkit.transport.remote import Remote

WAIT_S = 6.0  # many servers ping an address for 3 s before they offer it


@dataclass(frozen=True)
class DhcpServer:
    """A DHCP server by its own word for its address, the MAC that its offer came from, and what it offered."""

    address: str
    mac: str
    offered: str

    def __str__(self) -> str:
        what = "names a boot server" if self.offered == "0.0.0.0" else f"offers {self.offered}"  # noqa: S104 - a proxy's
        return f"{self.address} (MAC {self.mac}) {what}"


def refuse_others(session: Session, remote: Remote) -> None:
    """Raise RefusedError, with address and MAC, when somebody else answers the machines' DHCP on MGMT.

    Where MGMT is the room's LAN itself, its own DHCP server is expected there and only told.
    """
    found = find(remote)
    if not found:
        return
    told = "; ".join(map(str, found))
    if session.lab.mgmt_is_the_lan:
        session.console.print(f"    beside the lab's own DHCP, on the LAN: {told}", markup=False, soft_wrap=True)
        return
    raise RefusedError(
        f"MGMT has a DHCP server already: {told}; machines would take its word for their address and their loader,"
        " so the lab's own was not started",
        "find whose it is by its MAC (02:.. is another lab: give yours an id of its own) and take it off MGMT's VLAN,"
        " or set networks.mgmt.vlan to one that is free",
    )


def find(remote: Remote) -> list[DhcpServer]:
    """The DHCP servers that answer on MGMT; the lab's own is not among them, running or not."""
    lines = remote.sudo(f"{server.SCRIPTS}/pxe-probe.sh {WAIT_S:g}").stdout.splitlines()
    return [DhcpServer(*line.split()[1:]) for line in lines if line.startswith("dhcp ")]
