"""The PC that a lab finds at its beginning: large enough, with the lab's switches made.

A lab with an External switch finds a wired PC. Where EXTERNAL is behind NAT it finds a laptop on Wi-Fi, for which that
variant was made: nothing there can carry an External switch.
"""

from __future__ import annotations

from labkit.description.lab import Lab, Switch
from rehearsal.hosts import wiring
from rehearsal.hosts.state import GIB, Json, initial
from rehearsal.hosts.wiring import management

SIZES = (16, 32, 64, 128)  # GB of memory in PCs as they are sold
WINDOWS_KEEPS_GB = 4
WIFI = {"name": "Wi-Fi", "description": "Intel(R) Wi-Fi 6 AX201 160MHz", "medium": "Native 802.11"}
WIRED = "Ethernet"


def begin(lab: Lab, host: str, *, address: str, prefix: int) -> Json:
    """Describe the fresh PC `host` of `lab` at its own address on the room's LAN."""
    state = initial(host, address=address, memory_bytes=memory_bytes(lab, host), prefix=prefix)
    state["memory_used_bytes"] = 2 * GIB  # nobody sits at it: a machine more has room beside the described ones
    outside = lab.switch_of("external")
    if outside.type == "External":
        _rename(state, outside.name)
    else:
        _on_wifi(state)
    for switch in lab.switches:
        if switch.type != "External":
            state["switches"].append(wiring.switch(switch.name, switch.type))
        if switch.type == "Internal":
            _translate(state, lab, switch)
    return state


def memory_bytes(lab: Lab, host: str) -> int:
    """The memory of the smallest PC that carries the host's machines beside Windows."""
    wanted = sum(machine.memory_mb for machine in lab.on_host(host)) / 1024 + WINDOWS_KEEPS_GB
    return next((size for size in SIZES if size >= wanted), SIZES[-1]) * GIB


def _rename(state: Json, switch: str) -> None:
    """Give the External switch and the PC's adapter on it the lab's name."""
    state["switches"][0]["name"] = switch
    _move(state, management("Lab"), management(switch))
    for adapter in state["adapters"]:
        if adapter["name"] == management("Lab"):
            adapter["name"] = management(switch)


def _on_wifi(state: Json) -> None:
    """Take switch and cable away: the physical adapter is Wi-Fi, and carries the PC's own address."""
    (adapter,) = (adapter for adapter in state["adapters"] if adapter["name"] == WIRED)
    adapter.update(WIFI)
    state.update(adapters=[adapter], switches=[], profiles={})
    _move(state, management("Lab"), WIFI["name"])
    _profile(state, adapter, "Private")


def _translate(state: Json, lab: Lab, switch: Switch) -> None:
    """Make the PC EXTERNAL's gateway, on its adapter on the Internal switch; Windows takes that network for public."""
    adapter = wiring.add_management(state, switch.name)
    gateway, cidr = str(lab.external.gateway), lab.external.cidr
    state["addresses"].append(
        {"adapter": adapter["name"], "address": gateway, "prefix": cidr.prefixlen, "origin": "Manual"}
    )
    state["nats"] = [{"name": lab.name, "cidr": str(cidr)}]
    _profile(state, adapter, "Public")


def _move(state: Json, old: str, new: str) -> None:
    """Move addresses and routes from one adapter to another."""
    for item in [*state["addresses"], *state["routes"], *state["dns"]]:
        if item["adapter"] == old:
            item["adapter"] = new
    for profile in state["profiles"].values():
        if profile["InterfaceAlias"] == old:
            profile["InterfaceAlias"] = new


def _profile(state: Json, adapter: Json, category: str) -> None:
    profile = {"InterfaceIndex": adapter["index"], "InterfaceAlias": adapter["name"], "NetworkCategory": category}
    state["profiles"][str(adapter["index"])] = profile
