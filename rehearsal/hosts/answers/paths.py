"""The answers of Set-LabPath.ps1 and Get-LabPath.ps1."""

from __future__ import annotations

import time

from rehearsal.hosts import lan
from rehearsal.hosts.answers.switches import own_adapter
from rehearsal.hosts.pc import adapters, network, switches
from rehearsal.hosts.pc.refusals import RefusedError
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
    left = [one["name"] for one in adapters.own(pc) if one["name"].startswith(prefix)]
    for name in left:
        adapters.remove_own(pc, name)
    for name in network.registered_rules(pc).keys() & {f"{prefix}mgmt", f"{prefix}internal"}:
        network.remove_rule(pc, name)
    return len(left)


def _add(pc: HostState, name: str, wanted: Json) -> None:
    adapters.add_own(pc, name, switches.named(pc, wanted["switch"], "AddVMNetworkAdapter"))
    if wanted["vlan"]:
        adapters.set_own_vlan(pc, name, wanted["vlan"])
    network.new_address(pc, own_adapter(pc, name)["index"], wanted["address"], wanted["prefix"])
    network.new_rule(
        pc, name, DisplayName=name, Direction="Inbound", Protocol="ICMPv4", IcmpType=["8"],
        RemoteAddress=wanted["peers"], Action="Allow", Profile="Any",
    )  # fmt: skip
