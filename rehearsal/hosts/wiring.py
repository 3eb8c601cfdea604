"""What making and removing a switch does to the PC's own network.

Windows moves the addresses of the physical adapter to the switch's own one, which comes only after a while: until then
neither it nor what belongs to it is there (`from`), and there is no network. `state["switch_faults"]` says what goes
wrong besides: "addresses" and "dns" get lost, "public" is what Windows takes the network for, which nobody can change
while it identifies it, "public for ever" is never changed, "ghost": an earlier adapter has left its name taken, "stays
down" the LAN. `state["switch_trouble"]` says how much: {"delay_s": until the adapter comes, "identifies_s": until its
profile can be set, "NewVMSwitch" and "RemoveVMSwitch": how often that is refused first}.
"""

from __future__ import annotations

import time
import uuid

from rehearsal.hosts.state import Json

PAUSE_S = 1.0  # on Windows about 5
DELAY_S = 0.4  # on Windows up to 30
IDENTIFIES_S = 0.8
FOR_EVER = 1e12
BELONGINGS = ("addresses", "routes", "neighbors", "dns")


def management(switch: str) -> str:
    """The name of the PC's own adapter on a switch."""
    return f"vEthernet ({switch})"


def adapter_of(state: Json, name: str) -> Json | None:
    """The PC's own adapter that Hyper-V knows by that name; Windows may have numbered it."""
    own = (one for one in state["adapters"] if one.get("own") == name or one["name"] == management(name))
    found: Json | None = next(own, None)
    return found


def there(items: list[Json]) -> list[Json]:
    """What of these adapters, addresses, routes or servers has come by now."""
    return [one for one in items if one.get("from", 0) <= time.time()]


def switch(name: str, kind: str, notes: str = "", physical: Json | None = None) -> Json:
    """Describe a fresh switch; `physical` is the adapter that an External one is on."""
    return {
        "id": str(uuid.uuid4()), "name": name, "type": kind, "adapter": physical and physical["name"],
        "adapter_description": physical and physical["description"], "allow_management_os": kind != "Private",
        "notes": notes,
    }  # fmt: skip


def add_management(state: Json, name: str, physical: Json | None = None, *, later: bool = False) -> Json:
    """Add the PC's adapter on a switch and return it; on an External one it takes over the physical one's place.

    `later`: it is there only after a while, as where Windows installs it.
    """
    adapter = {
        "name": management(name) + (" 2" if _fails(state, "ghost") else ""), "own": name,
        "description": "Hyper-V Virtual Ethernet Adapter",
        "mac": physical["mac"] if physical else "00155D0A0C00", "status": "Up",
        "index": max(one["index"] for one in state["adapters"]) + 1, "physical": False, "medium": "Unspecified",
        "guid": str(uuid.uuid4()), "speed_bps": 10**9,
    }  # fmt: skip
    if later:
        adapter["from"] = time.time() + trouble(state).get("delay_s", DELAY_S)
    state["adapters"].append(adapter)
    if physical:
        if "dhcp" in physical:
            adapter["dhcp"] = "Disabled" if _fails(state, "addresses") else physical["dhcp"]
        _move(state, physical, adapter)
    return adapter


def remove_management(state: Json, name: str, physical: Json | None = None) -> None:
    """Take the PC's adapter on a switch away; the physical one gets its place back."""
    own = adapter_of(state, name) or {}
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


def trouble(state: Json) -> Json:
    """How much trouble this PC makes with its switches."""
    found: Json = state.get("switch_trouble", {})
    return found


def _fails(state: Json, what: str) -> bool:
    return what in state.get("switch_faults", [])


def _move(state: Json, old: Json, new: Json) -> None:
    lost = {"addresses": "addresses", "routes": "addresses", "dns": "dns"}
    for key in BELONGINGS:
        for item in [item for item in state.get(key, []) if item["adapter"] == old["name"]]:
            item["adapter"] = new["name"]
            item.pop("from", None)
            item.update({"from": new["from"]} if "from" in new else {})
            if _fails(state, lost.get(key, "")):
                state[key].remove(item)
    category = state["profiles"].pop(str(old["index"]), {}).get("NetworkCategory", "Public")
    is_new = not new["physical"]  # the physical adapter's network Windows knows of old
    categories = state.setdefault("categories", {})
    categories[old["name"]] = category
    is_public = _fails(state, "public") or (is_new and _fails(state, "public for ever"))
    state["profiles"][str(new["index"])] = {
        "InterfaceIndex": new["index"], "InterfaceAlias": new["name"],
        "NetworkCategory": "Public" if is_public else categories.get(new["name"], category),
    }  # fmt: skip
    identifies_s = trouble(state).get("identifies_s", IDENTIFIES_S)
    identified = FOR_EVER if is_new and _fails(state, "public for ever") else time.time() + identifies_s
    state.setdefault("identifying_until", {})[str(new["index"])] = identified
    stays_down = not new["physical"] and _fails(state, "stays down")
    back = max(time.time() + PAUSE_S, new.get("from", 0))
    state["network_down_until"] = FOR_EVER if stays_down else back
