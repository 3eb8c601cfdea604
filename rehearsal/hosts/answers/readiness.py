"""The answer of Get-LabReadiness.ps1."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rehearsal.hosts import lan
from rehearsal.hosts.answers import read
from rehearsal.hosts.pc import adapters, machines, network, prices
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

MEDIA = {3: "HDD", 4: "SSD", 5: "SCM"}
WINRM_PORTS = {"5985", "5986"}
ADDRESSES = ("RA4", "RA42", "RA6", "RA62")


def get_lab_readiness(pc: HostState, given: Json) -> Json:
    """Tell how the PC was prepared and who else is on its LAN."""
    state = pc.read()
    _wait_for_silent(pc, given.get("Probe") or [])
    on_volume = given["LabPath"][:2].upper() == f"{state['volume']['letter']}:"
    found = {
        "probed": bool(given.get("Probe")),
        "neighbours": [
            {"address": item["address"], "mac": item["mac"].replace("-", "")}
            for item in lan.neighbors(state)
            if "." in item["address"] and item["state"] != "Unreachable"
        ],
        "full_rights": state.get("hyperv_refuses") != "rights",
        "file_system": state["volume"].get("file_system", "NTFS") if on_volume else None,
        "packed": bool(state.get("compressed")) if on_volume else None,
        "media": MEDIA.get(state["volume"].get("media_type", 4)),
        "sleep_s": state.get("sleep_s", 0),
        "profiles": [
            {"index": one["InterfaceIndex"], "category": one["NetworkCategory"]} for one in state["profiles"].values()
        ],
        "rules": [rule for name, text in network.registered_rules(pc).items() if (rule := _rule(name, text))],
        "bridged": [adapter["name"] for adapter in state["adapters"] if adapter.get("bridged")],
        "nats": [{"name": one["name"], "cidr": one["cidr"]} for one in state.get("nats", [])],
        "vlans": _vlans(pc, given["Lab"]),
        "time": read.utc(time.time()),
    }
    return {"changed": False, "readiness": found}


def _wait_for_silent(pc: HostState, probed: list[str]) -> None:
    """What it takes that addresses are called one after the other and nobody has them."""
    heard = {one["address"] for one in lan.neighbors(pc.read())}
    silent = [address for address in probed if address not in heard]
    patience_s = max(0.1, min(0.3, 9 / max(1, len(probed))))
    prices.charge(pc.folder, "wait a second for a ping", patience_s * len(silent))


def _rule(name: str, text: str) -> Json | None:
    """A rule about WinRM as it is told; None for another."""
    told: dict[str, list[str]] = {}
    for key, _, value in (part.partition("=") for part in text.split("|")):
        told.setdefault(key, []).append(value)
    if told.get("Protocol") != ["6"] or not WINRM_PORTS & set(told.get("LPort", [])):
        return None
    return {
        "name": name,
        "opens": (told["Active"], told["Dir"], told["Action"]) == (["TRUE"], ["In"], ["Allow"]),
        "public": "Public" in told.get("Profile", ["Public"]),
        "from": list(dict.fromkeys(one for key in ADDRESSES for one in told.get(key, []))) or ["Any"],
    }


def _vlans(pc: HostState, lab: str) -> list[Json]:
    """Return the tags of the PC's own adapters and of VMs that are not the lab's; none when Hyper-V does not answer."""
    if "vmms" not in pc.read()["services"]:
        return []  # no Hyper-V, no cmdlet of its
    try:
        return list(_tags(pc, lab))
    except RefusedError:
        return []


def _tags(pc: HostState, lab: str) -> Iterator[Json]:
    for one in adapters.own(pc, "GetVMNetworkAdapterVlan"):
        if one["vlan"]:
            yield {"vm": "", "adapter": one["name"], "switch": one["switch"], "vlan": one["vlan"]}
    for vm in machines.everyone(pc):
        for adapter in vm["adapters"] if f'"{lab}"' not in vm["notes"] else []:
            if adapter["vlan"]:
                where = {"switch": adapter["switch"] or "", "vlan": adapter["vlan"]}
                yield {"vm": vm["id"], "adapter": adapter["name"], **where}
