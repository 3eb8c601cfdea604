"""Checkpoints of a VM and the differencing disks below them."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import time
import uuid

from rehearsal.hosts import outage
from rehearsal.hosts.pc import machines, refusals
from rehearsal.hosts.state import HostState, Json

LEAF = re.compile(r"(_[0-9A-F-]{36})?\.a?vhdx$", re.IGNORECASE)


def find(pc: HostState, vm_id: str, name: str = "", cmdlet: str = "GetVMSnapshot") -> list[Json]:
    """Return a VM's checkpoints whose name fits ('' fits all), the oldest first; a plain name of none is refused."""
    vm = machines.get(pc, vm_id, cmdlet)
    found = [one for one in vm["snapshots"] if not name or machines.matches(name, one["name"])]
    if not found and name and not machines.is_pattern(name):
        raise refusals.not_found(cmdlet, "Unable to find a snapshot matching the given criteria.")
    return sorted(found, key=lambda one: float(one["created_at"]))


def take(pc: HostState, vm_id: str, name: str) -> Json:
    """`Checkpoint-VM`: what the disks hold now is frozen, and each drive goes on in a file above."""
    vm = machines.get(pc, vm_id, "CheckpointVM")
    name = name or f"{vm['name']} - ({time.strftime('%m/%d/%Y %H:%M:%S')})"
    outage.before_files(pc)
    with pc.change() as state:  # files and state in one: a power failure finds both done or neither
        vm = state["vms"][vm_id]
        frozen = copy.deepcopy({key: value for key, value in vm.items() if key != "snapshots"})
        for drive in vm["drives"]:
            drive["path"] = _leaf(pc, drive["path"], "CheckpointVM")
        fresh = {"id": str(uuid.uuid4()), "name": name, "created_at": time.time(), "config": frozen}
        vm["snapshots"].append(fresh)
    return fresh


def restore(pc: HostState, vm_id: str, snapshot_id: str) -> None:
    """`Restore-VMSnapshot`: settings and disks as they were; what came after is lost.

    On Windows a running VM is saved first and started again; the lab's scripts turn it off before.
    """
    vm = machines.get(pc, vm_id, "RestoreVMSnapshot")
    if vm["state"] != "Off":
        raise refusals.wrong_state("RestoreVMSnapshot", vm["name"])
    outage.before_files(pc)
    with pc.change() as state:  # files and state in one: a power failure finds both done or neither
        vm = state["vms"][vm_id]
        snapshot = next(item for item in vm["snapshots"] if item["id"] == snapshot_id)
        frozen = {drive["path"] for item in vm["snapshots"] for drive in item["config"]["drives"]}
        for drive in vm["drives"]:
            if drive["path"].lower().endswith(".avhdx") and drive["path"] not in frozen:
                pc.local(drive["path"]).unlink()
        before = copy.deepcopy(snapshot["config"])
        for drive in before["drives"]:
            drive["path"] = _leaf(pc, drive["path"], "RestoreVMSnapshot")
        kept = {key: vm[key] for key in ("snapshots", "power_on_count", "name", "state", "started_at")}
        state["vms"][vm_id] = {**before, **kept}


def forget(pc: HostState, vm_id: str, snapshot_id: str) -> None:
    """`Remove-VMSnapshot`: the files that only this checkpoint needed are merged."""
    machines.get(pc, vm_id, "RemoveVMSnapshot")
    outage.before_files(pc)
    with pc.change() as state:  # files and state in one: a power failure finds both done or neither
        vm = state["vms"][vm_id]
        vm["snapshots"] = [item for item in vm["snapshots"] if item["id"] != snapshot_id]
        while _merge_one(pc, vm):
            pass
        if "merge_s" in state:
            vm["merging_until"] = time.time() + state["merge_s"]


def _merge_one(pc: HostState, vm: Json) -> bool:
    """Merge one file that nothing names any more with the only one above it; False when there is none."""
    named = [drive for config in (vm, *(item["config"] for item in vm["snapshots"])) for drive in config["drives"]]
    parents = _parents(pc, {drive["path"] for drive in named})
    for path in sorted(parents):
        above = [child for child, parent in parents.items() if parent == path]
        if len(above) == 1 and path not in {drive["path"] for drive in named}:
            own, content = _content(pc, path), _content(pc, above[0])
            pc.local(path).write_text(json.dumps({**own, "vhd": content["vhd"]}), encoding="utf-8")
            pc.local(above[0]).unlink()
            for drive in named:
                drive["path"] = path if drive["path"] == above[0] else drive["path"]
            for child, parent in parents.items():
                if parent == above[0]:
                    moved = {**_content(pc, child), "parent": path}
                    pc.local(child).write_text(json.dumps(moved), encoding="utf-8")
            return True
    return False


def _parents(pc: HostState, paths: set[str]) -> dict[str, str]:
    """Every file below these, and the one that it builds on ('' for none)."""
    found: dict[str, str] = {}
    waiting = set(paths)
    while waiting:
        path = waiting.pop()
        found[path] = _content(pc, path).get("parent", "")
        waiting |= {found[path]} - {""} - found.keys()
    return found


def _leaf(pc: HostState, parent: str, cmdlet: str) -> str:
    """Make a differencing disk above a file and return its path; the guest finds there what it left below."""
    if not pc.local(parent).is_file():
        raise refusals.not_found(cmdlet, f"'{parent}': the system cannot find the file. (0x80070002)")
    below = _content(pc, parent)
    path = f"{LEAF.sub('', parent)}_{str(uuid.uuid4()).upper()}.avhdx"
    content = {**below, "vhd": str(uuid.uuid4()), "type": "Differencing", "parent": parent}
    pc.local(path).write_text(json.dumps(content), encoding="utf-8")
    disks = pc.folder.parent.parent / "disks"
    if (disks / below["vhd"]).is_dir():
        copying = ["cp", "-a", "--reflink=auto", "--sparse=always", disks / below["vhd"], disks / content["vhd"]]
        subprocess.run(copying, check=True)
    return path


def _content(pc: HostState, path: str) -> Json:
    content: Json = json.loads(pc.local(path).read_text(encoding="utf-8"))
    return content
