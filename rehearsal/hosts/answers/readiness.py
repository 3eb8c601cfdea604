"""The answer of Get-LabReadiness.ps1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rehearsal.hosts import lan
from rehearsal.hosts.pc import adapters, machines, network
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

WINRM_PORTS = {"5985", "5986"}


def get_lab_readiness(pc: HostState, given: Json) -> Json:
    """Tell how the PC was prepared and who else is on its LAN."""
    state = pc.read()
    found = {
        "probed": bool(given.get("Probe")),
        "neighbours": [
            {"address": item["address"], "mac": item["mac"].replace("-", "")}
            for item in lan.neighbors(state)
            if "." in item["address"] and item["state"] != "Unreachable"
        ],
        "full_rights": state.get("hyperv_refuses") != "rights",
        "sleep_s": state.get("sleep_s", 0),
        "profiles": [
            {"index": one["InterfaceIndex"], "category": one["NetworkCategory"]} for one in state["profiles"].values()
        ],
        "rules": _rules(pc),
        "bridged": [adapter["name"] for adapter in state["adapters"] if adapter.get("bridged")],
        "vlans": _vlans(pc, given["Lab"]),
    }
    return {"changed": False, "readiness": found}


def _rules(pc: HostState) -> list[Json]:
    """As the script does it: all port filters, all address filters, all rules."""
    ports, _, rules = network.rules(pc), network.rules(pc), network.rules(pc)
    about = {one["InstanceID"] for one in ports if _is_winrm(one)}
    return [_rule(one) for one in rules if one["InstanceID"] in about]


def _is_winrm(rule: Json) -> bool:
    return rule["Protocol"] == "TCP" and bool(WINRM_PORTS & set(rule["LocalPort"].split(",")))


def _rule(rule: Json) -> Json:
    return {
        "name": rule["InstanceID"],
        "opens": (rule["Enabled"], rule["Direction"], rule["Action"]) == ("True", "Inbound", "Allow"),
        "public": re.search("Any|Public", rule["Profile"]) is not None,
        "from": rule["RemoteAddress"].split(","),
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
