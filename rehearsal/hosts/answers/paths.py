"""The answers of Set-LabPath.ps1 and Get-LabPath.ps1."""

from __future__ import annotations

import time

from rehearsal.hosts import lan, outage, wiring
from rehearsal.hosts.answers import machines
from rehearsal.hosts.answers.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

FULL, SMALL = 1472, 32
POLL_S = 0.3


def set_lab_path(pc: HostState, given: Json) -> Json:
    """Give the PC adapters on the lab's networks, after taking those away that are left."""
    prefix = f"{given['Lab']}-path-"
    done = _remove(pc, prefix)
    try:
        for wanted in given.get("Path") or []:
            _add(pc, f"{prefix}{wanted['network']}", wanted)
            done += 1
    except RefusedError:
        _remove(pc, prefix)
        raise
    return {"changed": done > 0}


def get_lab_path(pc: HostState, given: Json) -> Json:
    """Ping with full-size packets that nobody may split."""
    end = time.monotonic() + given["Seconds"]
    found = []
    for to in given["To"]:
        while not (full := lan.answers(pc, to, FULL)) and time.monotonic() < end:
            time.sleep(POLL_S)
        found.append({"to": to, "full": full, "small": full or lan.answers(pc, to, SMALL)})
    return {"changed": False, "path": found}


def _remove(pc: HostState, prefix: str) -> int:
    state = machines.require_service(pc, "GetVMNetworkAdapter")
    left = [one["name"] for one in state.get("management_adapters", []) if one["name"].startswith(prefix)]
    for name in left:
        with outage.change(pc) as state:
            wiring.remove_management(state, name)
            state["management_adapters"] = [one for one in state["management_adapters"] if one["name"] != name]
    for name in [name for name in state.get("firewall_rules", {}) if name.startswith(prefix)]:
        with outage.change(pc) as state:
            del state["firewall_rules"][name]
    return len(left)


def _add(pc: HostState, name: str, wanted: Json) -> None:
    state = machines.require_service(pc, "AddVMNetworkAdapter")
    switch = machines.switch_name(state, wanted["switch"])
    with outage.change(pc) as state:
        wiring.add_management(state, name)
        own = {"name": name, "switch": switch, "vlan": None}
        state.setdefault("management_adapters", []).append(own)
    if wanted["vlan"]:
        with outage.change(pc) as state:
            next(one for one in state["management_adapters"] if one["name"] == name)["vlan"] = wanted["vlan"]
    address = {"adapter": wiring.management(name), "address": wanted["address"], "prefix": wanted["prefix"]}
    with outage.change(pc) as state:
        if any(one["address"] == wanted["address"] for one in state["addresses"]):
            raise RefusedError(
                "The object already exists.", "Windows System Error 5010,New-NetIPAddress", "ResourceExists"
            )
        state["addresses"].append({**address, "origin": "Manual"})
    with outage.change(pc) as state:
        state.setdefault("firewall_rules", {})[name] = {
            "Name": name, "DisplayName": name, "Direction": "Inbound", "Protocol": "ICMPv4", "LocalPort": "",
            "IcmpType": "8", "RemoteAddress": ",".join(wanted["peers"]), "Action": "Allow", "Profile": "Any",
            "Enabled": "True", "InstanceID": name,
        }  # fmt: skip
