"""The answers of New-LabSwitch.ps1, Get-LabSwitch.ps1 and Confirm-LabSwitch.ps1 (worker.py is what they start)."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rehearsal.hosts import lan, wiring
from rehearsal.hosts.pc import network, switches, tasks
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

FOLDER = "C:\\Program Files\\hyperv-k8s-lab"
TASK = "hyperv-k8s-lab-switch"
ANYWHERE = "0.0.0.0/0"


def new_lab_switch(pc: HostState, given: Json) -> Json:
    """Make switches that are missing; an External one is begun only, and goes on without whoever asked."""
    answers = []
    for wanted in given["VirtualSwitch"]:
        done = []
        named = [one for one in switches.find(pc) if one["name"].lower() == wanted["name"].lower()]
        if not named and wanted["type"] == "External":
            _start_detached(pc, given, wanted)
            done.append("begun")
        elif not named:
            switches.new(pc, wanted["name"], wanted["type"], wanted["notes"])
            done.append("switch")
        if wanted["cidr"] and (not named or named[0]["notes"] == wanted["notes"]):
            done += _enable_nat(pc, given["Lab"], wanted)
        answers.append({"name": wanted["name"], "changed": done})
    return {"changed": any(one["changed"] for one in answers), "switches": answers}


def get_lab_switch(pc: HostState, given: Json) -> Json:
    """Tell how far the making of an External switch is."""
    operation = kept(pc, "switch.json")
    if operation is None or operation["lab"] != given["Lab"]:
        return {"changed": False, "operation": None}
    now = kept(pc, "switch-state.json") or {"state": "begun", "reached": [], "problem": ""}
    return {
        "changed": False,
        "operation": {
            "name": operation["name"], "deadline": operation["deadline"],
            "runs": TASK in pc.read().get("scheduled_tasks", {}), **now,
        },
    }  # fmt: skip


def confirm_lab_switch(pc: HostState, given: Json) -> Json:
    """Let the PC keep its switch."""
    operation = kept(pc, "switch.json")
    if operation is None:
        text = f"Cannot find path '{FOLDER}\\switch.json' because it does not exist."
        raise RefusedError(text, "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand", "ObjectNotFound")
    if operation["lab"] != given["Lab"]:
        raise RefusedError(f"another lab makes a switch: {operation['lab']}", "LabNotOurs", "NotSpecified")
    keep(pc, "switch-confirmed.json", {})
    return {"changed": True}


def kept(pc: HostState, name: str) -> Json | None:
    """What one of the operation's files says; None when there is none."""
    try:
        content: Json = json.loads(_file(pc, name).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    return content


def keep(pc: HostState, name: str, content: Json) -> None:
    """Write one of the operation's files, in one step."""
    file = _file(pc, name)
    fresh = file.with_name(f"{name}.new")
    fresh.write_text(json.dumps(content), encoding="utf-8-sig")
    fresh.replace(file)


def reached(state: Json, index: int, peers: list[str]) -> list[str]:
    """Which of the addresses are known, by ARP, on the adapter of that index."""
    name = next(one["name"] for one in state["adapters"] if one["index"] == index)
    return [
        one["address"]
        for one in lan.neighbors(state)
        if one["adapter"] == name
        and one["address"] in peers
        and one["state"] not in ("Unreachable", "Incomplete", "Permanent")
    ]


def _file(pc: HostState, name: str) -> Path:
    return pc.local(f"{FOLDER}\\{name}")


def _start_detached(pc: HostState, given: Json, wanted: Json) -> None:
    state = pc.read()
    if TASK in state.get("scheduled_tasks", {}):
        raise _refusal("a switch is being made on this PC already", "LabSwitchBusy")
    nic = next((one for one in state["adapters"] if one["guid"] == wanted["adapter_id"]), None)
    if nic is None:
        raise _refusal(f"no network adapter {wanted['adapter_id']}", "LabNoAdapter")
    before = _before(state, nic)
    peers = list(dict.fromkeys([*(given.get("Peer") or []), *before["gateways"]]))
    if not reached(state, nic["index"], peers):
        raise _refusal(f"nobody answers on {nic['name']} (asked: {' '.join(peers)})", "LabNobodyAnswers")
    folder = pc.local(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("switch-*.json"):
        file.unlink()
    deadline = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + given["Seconds"]))
    operation = {
        "lab": given["Lab"], "name": wanted["name"], "notes": wanted["notes"], "adapter": nic["name"],
        "index": nic["index"], "before": before, "peers": peers, "deadline": deadline,
    }  # fmt: skip
    keep(pc, "switch.json", operation)
    (folder / "Invoke-LabSwitch.ps1").write_text(given["Program"], encoding="ascii")
    arguments = f'-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{FOLDER}\\Invoke-LabSwitch.ps1" '
    arguments += f'-Folder "{FOLDER}"'
    tasks.register(pc, TASK, "powershell.exe", arguments, "S-1-5-18", at_startup=True)
    tasks.start(pc, TASK)


def _before(state: Json, nic: Json) -> Json:
    def own(key: str) -> list[Json]:
        return [one for one in state.get(key, []) if one["adapter"] == nic["name"]]

    return {
        "dhcp": nic.get("dhcp") == "Enabled",
        "gateways": [one["gateway"] for one in own("routes") if one["prefix"] == ANYWHERE],
        "addresses": [{"address": one["address"], "prefix": one["prefix"]} for one in own("addresses")],
        "dns": [server for one in own("dns") for server in one["servers"]],
        "profile": state["profiles"].get(str(nic["index"]), {}).get("NetworkCategory", ""),
    }


def _enable_nat(pc: HostState, lab: str, wanted: Json) -> list[str]:
    state, done, name = pc.read(), [], wiring.management(wanted["name"])
    if not any((one["adapter"], one["address"]) == (name, wanted["gateway"]) for one in state["addresses"]):
        network.new_address(pc, network.index_of(state, name), wanted["gateway"], wanted["prefix"])
        done.append("address")
    others = [one for one in state.get("nats", []) if one["cidr"] != wanted["cidr"]]
    if others:
        raise _refusal(f"this PC translates for {others[0]['name']} already", "LabNatTaken")
    if not state.get("nats"):
        network.new_nat(pc, lab, wanted["cidr"])
        done.append("nat")
    return done


def _refusal(text: str, error_id: str) -> RefusedError:
    return RefusedError(text, error_id, "NotSpecified")
