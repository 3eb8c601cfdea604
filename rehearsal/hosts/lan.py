"""What the cable carries between the PCs: tags and sizes, as `lan.json` says.

That file lies in the rehearsal's root: {"drops_tags": true} for a router or mesh that loses tagged frames,
{"mtu": 1400} for one that loses large ones. No packet is sent: who is in a PC's `neighbors` answers, and the adapters
that PCs added.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface

from rehearsal.hosts.pc import prices
from rehearsal.hosts.state import HostState, Json
from rehearsal.hosts.wiring import adapter_of

HEADERS = 28  # bytes of IPv4 and ICMP
ETHERNET_MTU = 1500


def is_up(state: Json) -> bool:
    """Whether the PC's network works; it pauses while a switch is made or removed."""
    return float(state.get("network_down_until", 0)) < time.time()


def neighbors(state: Json) -> list[Json]:
    """Whom the PC has heard of: nobody while its network pauses."""
    return list(state["neighbors"]) if is_up(state) else []


def answers(pc: HostState, address: str, size: int, timeout_ms: int = 1000) -> bool:
    """Whether a ping of that many bytes, not to be split, comes back to the PC."""
    state = pc.read()
    heard = any(one["address"] == address for one in neighbors(state))
    if is_up(state) and (heard or any(_reaches(pc, state, other, address, size) for other in _others(pc))):
        return True
    prices.charge(pc.folder, "wait a second for a ping", timeout_ms / 1000)
    return False


def _reaches(pc: HostState, state: Json, other: Json, address: str, size: int) -> bool:
    there = _place(other, lambda entry: entry["address"] == address)
    here = _place(state, lambda entry: IPv4Address(address) in _interface(entry).network)
    if there is None or here is None or there[1] != here[1]:
        return False
    source, vlan = here
    file = pc.folder.parents[1] / "lan.json"
    lan = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    is_let_in = any(
        rule["Protocol"] == "ICMPv4" and source in rule["RemoteAddress"].split(",")
        for rule in other.get("firewall_rules", {}).values()
    )
    passes = not (vlan is not None and lan.get("drops_tags")) and size + HEADERS <= lan.get("mtu", ETHERNET_MTU)
    return is_let_in and passes


def _place(state: Json, is_wanted: Callable[[Json], bool]) -> tuple[str, int | None] | None:
    """The address of one of the PC's own added adapters, and the VLAN that it is in."""
    for own in state.get("management_adapters", []):
        name = (adapter_of(state, own["name"]) or {}).get("name")
        for entry in state["addresses"]:
            if entry["adapter"] == name and is_wanted(entry):
                return entry["address"], own["vlan"]
    return None


def _interface(entry: Json) -> IPv4Interface:
    return IPv4Interface(f"{entry['address']}/{entry['prefix']}")


def _others(pc: HostState) -> Iterator[Json]:
    for file in sorted(pc.folder.parent.glob("*/state.json")):
        if file != pc.path:
            yield json.loads(file.read_text(encoding="utf-8"))
