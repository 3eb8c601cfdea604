"""What a room plays: the PCs of one lab file at their addresses, and the ranges that lie behind their NAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from invoke.exceptions import Exit

from labkit.description.lab import WINRM_PORTS, Host, Lab
from labkit.description.load import load_lab
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import CHECKOUT, CONTROLLER, UPSTREAM

ADVICE = "begin from labs/rehearsal.yaml or labs/rehearsal-one-pc.yaml"


@dataclass(frozen=True)
class Plan:
    """A lab to be rehearsed. `hosts`: each PC's address on the room's LAN."""

    file: Path
    lab: Lab
    hosts: Mapping[str, IPv4Interface]

    @classmethod
    def of(cls, file: Path) -> Plan:
        """The plan of a lab file; RoomError where the lab would need a network that the room does not have."""
        try:
            lab = load_lab(file)
        except Exit as error:
            raise RoomError(str(error).removeprefix("error: ")) from None
        _require_reachable(lab, file)
        return cls(file.resolve(), lab, {host.name: _on_lan(host, file) for host in lab.hosts})

    @property
    def shown(self) -> str:
        """The file as a person in the checkout names it."""
        return str(self.file.relative_to(CHECKOUT) if self.file.is_relative_to(CHECKOUT) else self.file)

    @property
    def secure(self) -> tuple[str, ...]:
        """The PCs that speak HTTPS, each with a certificate of its own, which has to be trusted first."""
        return tuple(host.name for host in self.lab.hosts if host.scheme == "https")

    @property
    def behind_nat(self) -> tuple[tuple[IPv4Network, IPv4Address], ...]:
        """The ranges that only a PC itself reaches, and that PC: `inv` is typed on it."""
        if self.lab.switch_of("external").type != "Internal":
            return ()
        return tuple((self.lab.external.cidr, address.ip) for address in self.hosts.values())


def _on_lan(host: Host, file: Path) -> IPv4Interface:
    """A PC's place on the room's LAN, which its address in the file must be."""
    taken = (UPSTREAM.ip, CONTROLLER.ip)
    try:
        address = IPv4Address(host.address)
    except ValueError:
        address = None
    if address is None or address not in UPSTREAM.network or address in taken:
        free = f"{UPSTREAM.network} without {' and '.join(map(str, taken))}"
        raise RoomError(f"{file}: host {host.name} is at {host.address}; in the room PCs are in {free}: {ADVICE}")
    usual = WINRM_PORTS[host.scheme]
    if host.port != usual:
        raise RoomError(f"{file}: host {host.name} answers on port {host.port}, in the room on {usual}: {ADVICE}")
    return IPv4Interface(f"{address}/{UPSTREAM.network.prefixlen}")


def _require_reachable(lab: Lab, file: Path) -> None:
    """EXTERNAL is the room's LAN, or, behind a PC's NAT, anything but that."""
    cidr = lab.external.cidr
    if lab.switch_of("external").type == "Internal":
        if cidr.overlaps(UPSTREAM.network):
            raise RoomError(f"{file}: external.cidr is the room's own LAN, so it cannot lie behind a NAT: {ADVICE}")
    elif (cidr, lab.external.gateway) != (UPSTREAM.network, UPSTREAM.ip):
        raise RoomError(f"{file}: in the room EXTERNAL is {UPSTREAM.network} with gateway {UPSTREAM.ip}: {ADVICE}")
