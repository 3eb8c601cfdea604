"""The answer of Get-LabHost.ps1."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rehearsal.hosts import wiring
from rehearsal.hosts.pc import disks, machines
from rehearsal.hosts.pc.power import free_memory
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json, NoDriveError

POWERSHELL = "5.1.26100.1"
ETHERNET, WIFI = 6, 71


def get_lab_host(pc: HostState, given: Json) -> Json:
    """Tell everything about the PC and, when the Hyper-V service answers, its VMs and the lab's disks."""
    state = pc.read()
    lab, lab_path, iso = given["Lab"], given["LabPath"], given.get("IsoPath", "")
    answer: Json = {
        "changed": False,
        "host": _host(state),
        "service": state["services"].get("vmms", ""),
        "refusal": None,
        "feature": _feature(state),
        "templates": [],
        "switches": [],
        "vms": [],
        "disks": [],
        "adapters": [_adapter(adapter) for adapter in wiring.there(state["adapters"])],
        "addresses": [_address(state, item) for item in wiring.there(state["addresses"]) if ":" not in item["address"]],
        "free_bytes": _free_bytes(state, lab_path),
        "iso": iso != "" and _exists(pc, iso),
    }
    if answer["service"] == "Running":
        try:
            machines.require_service(pc, "GetVMHost")
        except RefusedError as refusal:
            answer["refusal"] = refusal.record()
            return answer
        answer["templates"] = list(state["secure_boot_templates"])
        answer["switches"] = [_switch(state, switch) for switch in state["switches"]]
        answer["vms"] = [_machine(vm, lab, lab_path) for vm in machines.everyone(pc)]
        answer["disks"] = _disks(pc.local(lab_path), lab_path, state) if _exists(pc, lab_path) else []
    return answer


def _feature(state: Json) -> str | None:
    """Asked for only where the service does not run."""
    is_running = state["services"].get("vmms") == "Running"
    return None if is_running else str(state["features"].get("Microsoft-Hyper-V", ""))


def _exists(pc: HostState, path: str) -> bool:
    try:
        return pc.local(path).exists()
    except NoDriveError:
        return False


def _free_bytes(state: Json, path: str) -> int | None:
    volume = state["volume"]
    if path[:2].upper() != f"{volume['letter']}:":
        return None
    return int(volume["size_bytes"] - volume["used_bytes"])


def _host(state: Json) -> Json:
    return {
        "name": state["computer_name"],
        "powershell": POWERSHELL,
        "windows_build": int(state["os"]["build"]),
        "time": utc(time.time()),
        "memory_bytes": state["memory_bytes"],
        "free_memory_bytes": max(0, free_memory(state)),
        "processors": state["cpu"]["logical"],
        "cpu": state["cpu"]["name"],
        "cpu_id": state["cpu"].get("id", ""),
        "architecture": state["cpu"]["architecture"],
        "hypervisor": state["hypervisor"],
    }


def _adapter(adapter: Json) -> Json:
    return {
        "id": adapter["guid"],
        "index": adapter["index"],
        "name": adapter["name"],
        "description": adapter["description"],
        "mac": adapter["mac"],
        "up": adapter["status"] == "Up",
        "hardware": adapter["physical"] and not adapter.get("pnp", "").startswith(("ROOT\\", "BTH\\")),
        "vlan": adapter.get("vlan") or 0,
        "type": WIFI if adapter["medium"] == "Native 802.11" else ETHERNET,
    }


def _address(state: Json, item: Json) -> Json:
    index = next(a["index"] for a in state["adapters"] if a["name"] == item["adapter"])
    return {"index": index, "address": item["address"]}


def _switch(state: Json, switch: Json) -> Json:
    adapters = [adapter for adapter in state["adapters"] if adapter["name"] == switch["adapter"]]
    return {
        "id": switch["id"],
        "name": switch["name"],
        "type": switch["type"],
        "adapter_ids": [adapter["guid"] for adapter in adapters],
        "adapter_descriptions": [adapter["description"] for adapter in adapters],
    }


def _machine(vm: Json, lab: str, lab_path: str) -> Json:
    ours = f'"{lab}"' in vm["notes"] or vm["path"].lower().startswith(f"{lab_path}\\".lower())
    return {
        "id": vm["id"],
        "name": vm["name"],
        "state": vm["state"],
        "notes": vm["notes"],
        "path": vm["path"],
        "generation": vm["generation"],
        "memory_bytes": vm["memory_bytes"],
        "assigned_bytes": vm["memory_bytes"] if vm["state"] == "Running" else 0,
        "uptime_s": int(time.time() - vm["started_at"]) if vm["started_at"] else 0,
        "macs": [adapter["mac"] for adapter in vm["adapters"]],
        "detail": _detail(vm) if ours else None,
    }


def _detail(vm: Json) -> Json:
    second = vm["generation"] == 2
    return {
        "cpus": vm["cpus"],
        "dynamic_memory": vm["dynamic_memory"],
        "start_action": vm["start_action"],
        "stop_action": vm["stop_action"],
        "automatic_checkpoints": vm["automatic_checkpoints"],
        "checkpoints": [_checkpoint(snapshot) for snapshot in vm["snapshots"]],
        "secure_boot": second and vm["secure_boot"],
        "template": vm["secure_boot_template"] if second else "",
        "adapters": [_machine_adapter(adapter) for adapter in vm["adapters"]],
        "drives": [{"id": drive["id"], "path": drive["path"]} for drive in vm["drives"]],
        "dvds": [{"id": drive["id"], "path": drive["path"] or ""} for drive in vm["dvds"]],
        "boot": [
            {"type": entry["type"].capitalize(), "id": entry.get("id", "")}
            for entry in (vm["boot_order"] if second else [])
        ],
    }


def _checkpoint(snapshot: Json) -> Json:
    return {
        "name": snapshot["name"],
        "time": utc(snapshot["created_at"]),
        "disks": [drive["path"] for drive in snapshot["config"]["drives"]],
    }


def utc(seconds: float) -> str:
    """A time as the scripts tell it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _machine_adapter(adapter: Json) -> Json:
    return {
        "id": adapter["id"],
        "name": adapter["name"],
        "mac": adapter["mac"],
        "dynamic_mac": adapter["dynamic_mac"],
        "switch": adapter["switch"] or "",
        "vlan_mode": "Untagged" if adapter["vlan"] is None else "Access",
        "vlan": adapter["vlan"] or 0,
        "dhcp_guard": adapter["dhcp_guard"],
        "router_guard": adapter["router_guard"],
        "addresses": adapter["addresses"],
    }


def _disks(folder: Path, lab_path: str, state: Json) -> list[Json]:
    files = (file for inner in sorted(folder.iterdir()) if inner.is_dir() for file in sorted(inner.iterdir()))
    return [
        {
            "path": f"{lab_path}\\{file.parent.name}\\{file.name}",
            "size_bytes": None if _is_held(state, file, lab_path) else (_json(file) or {}).get("size_bytes"),
            "mark": _json(file.with_name(file.name + ".lab.json")),
        }
        for file in files
        if file.name.lower().endswith(".vhdx")
    ]


def _is_held(state: Json, file: Path, lab_path: str) -> bool:
    return disks.listed(state, "held_files", f"{lab_path}\\{file.parent.name}\\{file.name}")


def _json(path: Path) -> Json | None:
    """Return a file's JSON, None for a missing or torn one."""
    try:
        content: Json = json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return content
