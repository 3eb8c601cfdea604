"""The adapter that carries the virtual switch, or is to: which one it is, and whether it can."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from labkit.hyperv.facts import HostFacts, PhysicalFacts
from labkit.hyperv.findings import Finding
from labkit.transport import lookup

if TYPE_CHECKING:
    from labkit.description.lab import Host

ETHERNET = 6  # IANA ifType. Wi-Fi (71) cannot carry the MAC addresses of several machines.

NO_SOCKET = (
    "plug in a cable: an Ethernet adapter is needed, a USB one will do; a lab on that PC alone needs none "
    "(labs/one-pc-16gb.yaml)"
)


def adapter_index(host: Host, here: HostFacts) -> int | None:
    """The index of the adapter there that the host is reached at; None when none has its address, or its name's."""
    known = (here.addresses.get(address) for address in (host.address, *resolved(host.address)))
    return next((index for index in known if index is not None), None)


@cache
def resolved(name: str) -> tuple[str, ...]:
    """The IPv4 addresses behind a name, asked for once a run; none for an address.

    Of a name that is not found nothing is concluded: the PC was reached by it a moment ago.
    """
    return () if name.replace(".", "").isdigit() else lookup.addresses(name)


def uplink(host: Host, here: HostFacts) -> PhysicalFacts | None:
    """The adapter that the lab's file names, else the one behind the host's address, else the only one with a link."""
    physical = [adapter for adapter in here.adapters if adapter.is_hardware]
    if host.uplink:
        return next((adapter for adapter in physical if adapter.name == host.uplink), None)
    behind = adapter_index(host, here)
    for adapter in physical:
        if adapter.index == behind:
            return adapter
    up = [adapter for adapter in physical if adapter.is_up and adapter.type == ETHERNET]
    return up[0] if len(up) == 1 else None


def unsuitable(host: Host, here: HostFacts) -> Iterator[Finding]:
    """What keeps a switch from being made on it: at most one finding."""
    adapter = uplink(host, here)
    physical = [one for one in here.adapters if one.is_hardware]
    wired = [one.name for one in physical if one.type == ETHERNET and one.name not in here.readiness.bridged]
    name_it = f"name one in hosts.{host.name}.uplink: {', '.join(wired)}" if wired else NO_SOCKET
    bridged = _bridged(here, adapter)
    if adapter is None and host.uplink:
        names = ", ".join(one.name for one in physical) or "none"
        fix = f"correct hosts.{host.name}.uplink; adapters there: {names}"
        yield Finding(host.name, f"there is no network adapter {host.uplink}", "the lab's file names that uplink", fix)
    elif bridged:
        one, are = ("one", "are members") if bridged[1:] else (bridged[0], "is a member")
        fix = f"take {one} out of it (ncpa.cpl there)"
        fix += f", or {name_it}" if wired else "; there is no other Ethernet adapter"
        found = f"{', '.join(bridged)} {are} of a network bridge or a team"
        yield Finding(host.name, found, "no switch can be put on it", fix)
    elif adapter is None:
        found = "which adapter leads to the LAN cannot be told"
        yield Finding(host.name, found, "the virtual switch is made on it", name_it)
    elif adapter.type != ETHERNET:
        why = "Wi-Fi carries no machines' addresses, and a switch on it may cut the PC off"
        fix = f"plug in a cable, and {name_it}" if wired else NO_SOCKET
        yield Finding(host.name, f"{adapter.name}, its way to the LAN, is not Ethernet", why, fix)
    elif not adapter.is_up:
        found = f"{adapter.name}, its way to the LAN, has no link"
        yield Finding(host.name, found, "it leads to no other PC", "plug its cable in")


def _bridged(here: HostFacts, adapter: PhysicalFacts | None) -> list[str]:
    """Members of a bridge or a team: the uplink itself, or where none can be told every Ethernet adapter in one."""
    members = [one for one in here.adapters if one.is_hardware and one.name in here.readiness.bridged]
    return [one.name for one in members if one.type == ETHERNET and adapter in (None, one)]
