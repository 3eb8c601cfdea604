"""The way between the PCs: do full-size frames pass, with the lab's VLAN tags?

Each PC gets an adapter of its own on each of the lab's wires, pings the others with packets that nobody may split, and
loses the adapters again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError, RefusedError, together

if TYPE_CHECKING:
    from labkit.description.lab import Host, Lab, Network
    from labkit.session import Session

TRY_FOR_S = 15  # a new adapter needs some seconds
WITH_TAGS = (
    "on both PCs, Device Manager, the adapter's Advanced page: 'Packet Priority & VLAN' (or 'Priority & VLAN') has to "
    "be enabled; a router, mesh or powerline adapter between them may drop tagged frames: connect both to one switch; "
    "or do without tags: `vlan: null` in networks.mgmt and networks.internal"
)
WITHOUT_TAGS = "are both PCs on one switch or router, and is a guest network or client isolation between them off?"
TOO_LARGE = (
    "something between the PCs carries less than Ethernet's 1500 bytes (a tunnel, powerline, or a switch that has no "
    "room for the tag): connect both to one switch, or, where tags are the cause, set `vlan: null`"
)


@dataclass(frozen=True)
class End:
    """A PC's temporary place in a network."""

    host: Host
    network: Network
    address: IPv4Address


def ends(lab: Lab) -> list[End]:
    """Where the PCs stand for the proof; [] where no frame of the lab passes between PCs.

    Networks that are one wire count once. The addresses are the subnets' highest that no machine has.
    """
    if len(lab.hosts) < 2:
        return []
    wires: dict[tuple[str, int | None], Network] = {}
    for network in (lab.mgmt, lab.internal):
        if lab.switch_of(network.name).type == "External":
            wires.setdefault((lab.switch_of(network.name).name, network.vlan), network)
    return [
        End(host, network, address)
        for network in wires.values()
        for host, address in zip(lab.hosts, _free(lab, network), strict=False)
    ]


def _free(lab: Lab, network: Network) -> list[IPv4Address]:
    taken = {interface.address for machine in lab.machines for interface in machine.interfaces}
    taken |= {network.gateway} if network.gateway else set()
    found: list[IPv4Address] = []
    address = network.cidr.broadcast_address - 1
    while len(found) < len(lab.hosts) and address in network.cidr:
        found += [] if address in taken else [address]
        address -= 1
    return found


def prove(session: Session) -> list[str]:
    """Prove it and return what was proven, a line a network; [] where there is nothing to prove.

    Raises RefusedError when frames do not pass. The adapters are taken away again in any case.
    """
    places = ends(session.lab)
    if not places:
        return []
    errors: list[LabError] = []
    answers: dict[str, dict[str, Any]] = {}
    try:
        session.hosts.run("Set-LabPath", {host.name: _given(session.lab, host, places) for host in session.lab.hosts})
        asked = {host.name: _asked(host, places) for host in session.lab.hosts}
        answers = session.hosts.ask("Get-LabPath", asked)
    except LabError as error:
        errors.append(error)
    try:
        session.hosts.run("Set-LabPath", {host.name: {"Lab": session.lab.name} for host in session.lab.hosts})
    except LabError as error:
        errors.append(error)
    if errors:
        raise together(errors)
    return _judged(places, answers)


def _given(lab: Lab, host: Host, places: Iterable[End]) -> dict[str, Any]:
    path = [
        {
            "network": place.network.name, "switch": lab.switch_of(place.network.name).name,
            "vlan": place.network.vlan or 0, "address": str(place.address), "prefix": place.network.cidr.prefixlen,
            "peers": [str(other.address) for other in _others(place, places)],
        }
        for place in places
        if place.host == host
    ]  # fmt: skip
    return {"Lab": lab.name, "Path": path}


def _asked(host: Host, places: Iterable[End]) -> dict[str, Any]:
    own = [place for place in places if place.host == host]
    return {"To": [str(other.address) for place in own for other in _others(place, places)], "Seconds": TRY_FOR_S}


def _others(place: End, places: Iterable[End]) -> list[End]:
    return [other for other in places if other.network == place.network and other.host != place.host]


def _judged(places: list[End], answers: dict[str, dict[str, Any]]) -> list[str]:
    found = {(name, row["to"]): row for name, answer in answers.items() for row in answer["path"]}
    problems: list[str] = []
    hints: list[str] = []
    for place in places:
        for other in _others(place, places):
            row = found[place.host.name, str(other.address)]
            if not row["full"]:
                problems.append(_problem(place, other, small=row["small"]))
                hints.append(TOO_LARGE if row["small"] else WITHOUT_TAGS if place.network.vlan is None else WITH_TAGS)
    if problems:
        raise RefusedError(problems, hints)
    networks = {place.network.name: place.network for place in places}
    hosts = ", ".join(dict.fromkeys(place.host.name for place in places))
    return [f"{_named(network)}: full-size packets pass between {hosts}" for network in networks.values()]


def _problem(place: End, other: End, *, small: bool) -> str:
    way = f"from {place.host.name} to {other.host.name} in {_named(place.network)}"
    return f"packets of 1500 bytes do not pass {way}, small ones do" if small else f"nothing passes {way}"


def _named(network: Network) -> str:
    tag = f"VLAN {network.vlan}" if network.vlan else "without a VLAN"
    return f"{network.name.upper()} ({tag})"
