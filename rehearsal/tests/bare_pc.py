"""A PC as it was before anybody made a virtual switch on it."""

from __future__ import annotations

from rehearsal.hosts.state import Json

INDEX = 12


def take_switch_away(state: Json, *neighbors: str) -> None:
    """The physical adapter has the PC's address; `neighbors` are the IPv4 addresses that answer on its LAN."""
    (physical,) = (one for one in state["adapters"] if one["physical"])
    name = physical["name"]
    state.update(adapters=[physical], switches=[])
    for one in [*state["addresses"], *state["routes"], *state["dns"]]:
        one["adapter"] = name
    state["profiles"] = {
        str(INDEX): {"InterfaceIndex": INDEX, "InterfaceAlias": name, "NetworkCategory": "Private"},
    }
    state["neighbors"] = [
        {"adapter": name, "address": address, "mac": f"A0-B1-C2-D3-E4-{number:02X}", "state": "Reachable"}
        for number, address in enumerate(neighbors)
    ]
