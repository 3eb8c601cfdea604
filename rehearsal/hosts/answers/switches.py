"""The answers of the scripts that make, confirm and remove switches (worker.py is what they start)."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rehearsal.hosts import lan
from rehearsal.hosts.pc import adapters, machines, network, switches, tasks
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

FOLDER = "C:\\Program Files\\hyperv-k8s-lab"
TASK = "hyperv-k8s-lab-switch"
ANYWHERE = "0.0.0.0/0"


def new_lab_switch(pc: HostState, given: Json) -> Json:
    """Make switches that are missing; an External one is begun only, and goes on without whoever asked."""
    answers = []
    for wanted in given["VirtualSwitch"]:
        done, begun = [], {}
        named = [one for one in switches.find(pc) if one["name"].lower() == wanted["name"].lower()]
        if not named and wanted["type"] == "External":
            begun = _start_making(pc, given, wanted)
            done.append("begun")
        elif not named:
            switches.new(pc, wanted["name"], wanted["type"], wanted["notes"])
            done.append("switch")
        if wanted["cidr"] and (not named or named[0]["notes"] == wanted["notes"]):
            done += _enable_nat(pc, given["Lab"], wanted)
        answers.append(_row(wanted, done, begun))
    return {"changed": any(one["changed"] for one in answers), "switches": answers}


def get_lab_switch_use(pc: HostState, given: Json) -> Json:
    """Tell whose switches of some names are, and who is on them."""
    named = [(wanted, one) for wanted in given["VirtualSwitch"] for one in switches.find(pc)
             if one["name"].lower() == wanted["name"].lower()]  # fmt: skip
    found = [
        {"id": one["id"], "name": one["name"], "type": one["type"], "vms": _users(pc, one["name"]),
         "ours": one["notes"] == wanted["notes"]}
        for wanted, one in named
    ]  # fmt: skip
    return {"changed": False, "switches": found}


def remove_lab_switch(pc: HostState, given: Json) -> Json:
    """Remove switches that the lab made; an External one is begun only."""
    answers = []
    for wanted in given["VirtualSwitch"]:
        own = next((one for one in switches.find(pc) if one["id"] == wanted["id"]), None)
        if own and own["notes"] != wanted["notes"]:
            raise RefusedError(
                f"the switch {own['name']} was not made by {given['Lab']}", "LabNotOurs", "PermissionDenied"
            )
        if own and (users := _users(pc, own["name"])):
            raise _refusal(f"{own['name']} is used by {' '.join(users)}", "LabSwitchUsed")
        if own and own["type"] == "External" and own["allow_management_os"]:
            answers.append(_row(wanted, ["begun"], _start_removing(pc, given, wanted, own)))
            continue
        if own:
            if own["type"] == "Internal":
                network.remove_nat(pc, given["Lab"])
            switches.remove(pc, own["id"])
        answers.append(_row(wanted, ["removed"] if own else [], {}))
    return {"changed": any(one["changed"] for one in answers), "switches": answers}


def _users(pc: HostState, name: str) -> list[str]:
    """The VMs with an adapter on that switch."""
    return [vm["name"] for vm in machines.everyone(pc) if any(one["switch"] == name for one in vm["adapters"])]


def _row(wanted: Json, done: list[str], begun: Json) -> Json:
    """A switch in the answer, with what Windows has to be given back in case of need."""
    back = {"adapter": begun.get("adapter", ""), "before": begun.get("before")}
    return {"name": wanted["name"], "changed": done, **back}


def get_lab_switch(pc: HostState, given: Json) -> Json:
    """Tell how far the making of an External switch is."""
    operation = kept(pc, "switch.json")
    if operation is None or operation["lab"] != given["Lab"]:
        return {"changed": False, "operation": None}
    now = kept(pc, "switch-state.json") or {"state": "begun", "reached": [], "problem": ""}
    return {
        "changed": False,
        "operation": {
            "name": operation["name"], "deadline": operation["deadline"], "adapter": operation.get("adapter", ""),
            "before": operation.get("before"), "removes": bool(operation.get("remove")),
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


def _start_making(pc: HostState, given: Json, wanted: Json) -> Json:
    state = pc.read()
    nic = next((one for one in state["adapters"] if one["guid"] == wanted["adapter_id"]), None)
    if nic is None:
        raise _refusal(f"no network adapter {wanted['adapter_id']}", "LabNoAdapter")
    before = _before(state, nic)
    peers = list(dict.fromkeys([*(given.get("Peer") or []), *before["gateways"]]))
    if not reached(state, nic["index"], peers):
        raise _refusal(f"nobody answers on {nic['name']} (asked: {' '.join(peers)})", "LabNobodyAnswers")
    operation = {
        "lab": given["Lab"], "name": wanted["name"], "notes": wanted["notes"], "adapter": nic["name"],
        "adapter_id": wanted["adapter_id"], "before": before, "peers": peers,
    }  # fmt: skip
    return _start(pc, operation, given["Seconds"], given["Program"])


def _start_removing(pc: HostState, given: Json, wanted: Json, own: Json) -> Json:
    state = pc.read()
    below = next((one for one in state["adapters"] if one["name"] == own["adapter"]), None)
    if below is None:
        raise _refusal(f"no network adapter is below {own['name']}", "LabNoAdapter")
    operation = {
        "lab": given["Lab"], "name": own["name"], "notes": wanted["notes"], "adapter": below["name"],
        "adapter_id": below["guid"], "before": _before(state, own_adapter(pc, own["name"])), "peers": [],
        "remove": True,
    }  # fmt: skip
    return _start(pc, operation, 0, given["Program"])


def own_adapter(pc: HostState, name: str) -> Json:
    """The PC's own adapter that Hyper-V knows by that name, waited for as the scripts do."""
    device = next((one["device"] for one in adapters.own(pc) if one["name"].lower() == name.lower()), "")
    found = network.wait_for_own(pc, device, 30)
    if found is None:
        raise _refusal(f"the adapter vEthernet ({name}) does not come up", "LabNoAdapter")
    return found


def _start(pc: HostState, operation: Json, seconds: int, program: str) -> Json:
    if TASK in pc.read().get("scheduled_tasks", {}):
        raise _refusal("a switch is being made or removed on this PC already", "LabSwitchBusy")
    folder = pc.local(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("switch-*.json"):
        file.unlink()
    operation["deadline"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    keep(pc, "switch.json", operation)
    (folder / "Invoke-LabSwitch.ps1").write_text(program, encoding="ascii")
    arguments = f'-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{FOLDER}\\Invoke-LabSwitch.ps1" '
    arguments += f'-Folder "{FOLDER}"'
    tasks.register(pc, TASK, "powershell.exe", arguments, "S-1-5-18", at_startup=True)
    tasks.start(pc, TASK)
    return operation


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
    nic, state, done = own_adapter(pc, wanted["name"]), pc.read(), []
    if not any((one["adapter"], one["address"]) == (nic["name"], wanted["gateway"]) for one in state["addresses"]):
        network.new_address(pc, nic["index"], wanted["gateway"], wanted["prefix"])
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
