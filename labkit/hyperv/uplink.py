"""The adapter that carries the virtual switch, or is to: which one it is, and whether it can."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from labkit.hyperv.facts import HostFacts, PhysicalFacts
from labkit.hyperv.findings import Finding

if TYPE_CHECKING:
    from labkit.description.lab import Host

ETHERNET = 6  # IANA ifType. Wi-Fi (71) cannot carry the MAC addresses of several machines.


def adapter_index(host: Host, here: HostFacts) -> int | None:
    """The index of the adapter there that the host is reached at; None when none has its address, or its name's."""
    known = (here.addresses.get(address) for address in (host.address, *resolved(host.address)))
    return next((index for index in known if index is not None), None)


@cache
def resolved(name: str) -> tuple[str, ...]:
    """The IPv4 addresses behind a name, as this controller finds them; none for an address."""
    if name.replace(".", "").isdigit():
        return ()
    with suppress(OSError):  # reached all the same, so it was found a moment ago: nothing is concluded
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    return ()


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
    wired = [one.name for one in physical if one.type == ETHERNET]
    name_it = (
        f"name one in hosts.{host.name}.uplink: {', '.join(wired) or 'there is none: an Ethernet adapter is needed'}"
    )
    if adapter is None and host.uplink:
        names = ", ".join(one.name for one in physical) or "none"
        fix = f"correct hosts.{host.name}.uplink; adapters there: {names}"
        yield Finding(host.name, f"there is no network adapter {host.uplink}", "the lab's file names that uplink", fix)
    elif adapter is None:
        yield Finding(
            host.name, "which adapter leads to the LAN cannot be told", "the virtual switch is made on it", name_it
        )
    elif adapter.type != ETHERNET:
        why = "Wi-Fi carries no machines' addresses, and a switch on it may cut the PC off"
        yield Finding(
            host.name, f"{adapter.name}, its way to the LAN, is not Ethernet", why, f"plug in a cable, and {name_it}"
        )
    elif adapter.name in here.readiness.bridged:
        fix = f"take {adapter.name} out of it (ncpa.cpl there), or {name_it}"
        yield Finding(
            host.name, f"{adapter.name} is a member of a network bridge or a team", "no switch can be put on it", fix
        )
    elif not adapter.is_up:
        yield Finding(
            host.name,
            f"{adapter.name}, its way to the LAN, has no link",
            "it leads to no other PC",
            "plug its cable in",
        )
