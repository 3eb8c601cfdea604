"""What a PC is to the machines behind its Internal switches: a gateway that translates (NAT) or lets nothing through.

A PC's addresses on the LAN are the room's own, so translating is the room's own kernel's work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from rehearsal.hosts.wiring import management
from rehearsal.room import network
from rehearsal.room.command import run
from rehearsal.room.vm import bridge_of

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")  # of the network namespace that the caller is in


@dataclass(frozen=True)
class Gateway:
    """A PC's own adapter on an Internal switch: its bridge and address there, and whether it translates."""

    bridge: str
    address: IPv4Interface
    translates: bool


def gateways(host: str, state: dict[str, Any]) -> tuple[Gateway, ...]:
    """The gateways that a PC's state describes: an Internal switch counts once its adapter has an address."""
    translated = [IPv4Network(nat["cidr"]) for nat in state.get("nats", [])]
    found = []
    for switch in state["switches"]:
        bridge = bridge_of(host, switch, None)
        if switch["type"] != "Internal" or bridge is None:
            continue
        for item in state["addresses"]:
            if item["adapter"] == management(switch["name"]) and ":" not in item["address"]:
                address = IPv4Interface(f"{item['address']}/{item['prefix']}")
                found.append(Gateway(bridge, address, any(address.ip in cidr for cidr in translated)))
    return tuple(found)


def ruleset(inside: Iterable[Gateway]) -> str:
    """What nft is to load: the whole table, made anew.

    What is typed on the PC reaches its machines from the PC's address there, so the controller's packets get it too.
    """
    forward, own, translate = [], [], []
    for one in inside:
        if one.translates:
            translate.append(f'ip saddr {one.address.network} oifname != "{one.bridge}" masquerade')
            translate.append(f'ip saddr != {one.address.network} oifname "{one.bridge}" masquerade')
        else:
            forward.append(f'iifname "{one.bridge}" oifname != "{one.bridge}" drop')
            own.append(f'iifname "{one.bridge}" ip daddr != {one.address.ip} drop')
    chains = [
        _chain("forward", "type filter hook forward priority 0; policy accept;", forward),
        _chain("input", "type filter hook input priority 0; policy accept;", own),
        _chain("postrouting", "type nat hook postrouting priority 100;", translate),
    ]
    return "table ip lab-nat\ndelete table ip lab-nat\ntable ip lab-nat {\n" + "".join(chains) + "}\n"


def _chain(name: str, hook: str, rules: list[str]) -> str:
    return "".join(f"{line}\n" for line in (f"  chain {name} {{", f"    {hook}", *(f"    {r}" for r in rules), "  }"))


class Translation:
    """Keeps the room's kernel at what the PCs' states say."""

    def __init__(self) -> None:
        self._now: dict[str, tuple[Gateway, ...]] = {}

    def follow(self, host: str, state: dict[str, Any]) -> None:
        """Bring a PC's gateways about when they are others than before."""
        wanted, before = gateways(host, state), self._now.get(host, ())
        if wanted == before:
            return
        for gone in set(before) - set(wanted):
            network.take_address(gone.bridge, gone.address)
        for one in wanted:
            network.give_address(one.bridge, one.address)
        self._now[host] = wanted
        FORWARDING.write_text("1\n", encoding="ascii")
        run(["nft", "--file", "-"], stdin=ruleset(one for own in self._now.values() for one in own))
