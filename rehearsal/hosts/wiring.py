"""What making and removing a switch does to the PC's own network.

Windows moves the addresses of the physical adapter to the switch's own one. `state["switch_faults"]` says what goes
wrong with it: "addresses" and "dns" get lost, "public" is what Windows takes the network for, "stays down" the LAN.
"""

from __future__ import annotations

import time
import uuid

from rehearsal.hosts.state import Json

PAUSE_S = 1.0  # on Windows about 5
FOR_EVER = 1e12
BELONGINGS = ("addresses", "routes", "neighbors", "dns")


def management(switch: str) -> str:
    """The name of the PC's own adapter on a switch."""
    return f"vEthernet ({switch})"


def switch(name: str, kind: str, notes: str = "", physical: Json | None = None) -> Json:
    """Describe a fresh switch; `physical` is the adapter that an External one is on."""
    return {
        "id": str(uuid.uuid4()), "name": name, "type": kind, "adapter": physical and physical["name"],
        "adapter_description": physical and physical["description"], "allow_management_os": kind != "Private",
        "notes": notes,
    }  # fmt: skip


def add_management(state: Json, name: str, physical: Json | None = None) -> Json:
    """Add the PC's adapter on a switch and return it; on an External one it takes over the physical one's place."""
    adapter = {
        "name": management(name), "description": "Hyper-V Virtual Ethernet Adapter",
        "mac": physical["mac"] if physical else "00155D0A0C00", "status": "Up",
        "index": max(one["index"] for one in state["adapters"]) + 1, "physical": False, "medium": "Unspecified",
        "guid": str(uuid.uuid4()), "speed_bps": 10**9,
    }  # fmt: skip
    state["adapters"].append(adapter)
    if physical:
        if "dhcp" in physical:
            adapter["dhcp"] = "Disabled" if _fails(state, "addresses") else physical["dhcp"]
        _move(state, physical, adapter)
    return adapter


def remove_management(state: Json, name: str, physical: Json | None = None) -> None:
    """Take the PC's adapter on a switch away; the physical one gets its place back."""
    own = next(one for one in state["adapters"] if one["name"] == management(name))
    if physical:
        _move(state, own, physical)
    for key in BELONGINGS:
        state[key] = [item for item in state.get(key, []) if item["adapter"] != own["name"]]
    state["profiles"].pop(str(own["index"]), None)
    state["adapters"].remove(own)


def lease(state: Json, adapter: Json) -> None:
    """Switch DHCP on: the adapter gets what the LAN's server gives this PC, when there is one and it has nothing."""
    adapter["dhcp"] = "Enabled"
    found = state.get("lease")
    if found and not any(one["adapter"] == adapter["name"] for one in state["addresses"]):
        own = {"adapter": adapter["name"]}
        state["addresses"].append({**own, "address": found["address"], "prefix": found["prefix"], "origin": "Dhcp"})
        state["routes"].append({**own, "prefix": "0.0.0.0/0", "gateway": found["gateway"]})


def _fails(state: Json, what: str) -> bool:
    return what in state.get("switch_faults", [])


def _move(state: Json, old: Json, new: Json) -> None:
    lost = {"addresses": "addresses", "routes": "addresses", "dns": "dns"}
    for key in BELONGINGS:
        for item in [item for item in state.get(key, []) if item["adapter"] == old["name"]]:
            item["adapter"] = new["name"]
            if _fails(state, lost.get(key, "")):
                state[key].remove(item)
    category = state["profiles"].pop(str(old["index"]), {}).get("NetworkCategory", "Public")
    state["profiles"][str(new["index"])] = {
        "InterfaceIndex": new["index"], "InterfaceAlias": new["name"],
        "NetworkCategory": "Public" if _fails(state, "public") else category,
    }  # fmt: skip
    stays_down = not new["physical"] and _fails(state, "stays down")
    state["network_down_until"] = FOR_EVER if stays_down else time.time() + PAUSE_S
