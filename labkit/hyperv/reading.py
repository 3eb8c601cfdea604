"""Get-LabHost's answer, and Get-LabReadiness's, made into facts (scripts/powershell/README.md describes both). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PureWindowsPath
from typing import Any

from labkit import versions
from labkit.hyperv.facts import (
    AdapterFacts,
    CheckpointFacts,
    DiskFacts,
    DriveFacts,
    HostFacts,
    PhysicalFacts,
    ReadinessFacts,
    RuleFacts,
    SwitchFacts,
    TagFacts,
    VmFacts,
)

DISK_NAME = re.compile(r"(?P<kind>system|data)-(?P<id>[0-9a-f]{8})(_[0-9A-F-]+\.avhdx|\.vhdx)", re.IGNORECASE)
"""A disk's file, or after a checkpoint the differencing file above it."""


def host_facts(host: str, lab: str, answer: Mapping[str, Any], now: datetime | None = None) -> HostFacts:
    """Sort out the answer of `host`; `lab` is the lab's name, `now` when it came (None: do not compare clocks)."""
    pc, refusal = answer["host"], answer["refusal"]
    disks = tuple(disk for row in answer["disks"] if (disk := _disk(row, lab)))
    vms = [_vm(row, lab, disks) for row in answer["vms"]]
    machines: dict[str, VmFacts] = {}
    for vm in vms:
        if vm.machine is not None:
            machines.setdefault(vm.machine, vm)
    return HostFacts(
        host=host, powershell=pc["powershell"], memory_bytes=pc["memory_bytes"], architecture=pc["architecture"],
        has_hypervisor=pc["hypervisor"], service=answer["service"],
        refusal=f"{refusal['message']} [{refusal['id']}]" if refusal else None,
        templates=tuple(answer["templates"]),
        switches=tuple(_switch(row) for row in answer["switches"]),
        adapters=tuple(_physical(row) for row in answer["adapters"]),
        addresses={row["address"]: row["index"] for row in answer["addresses"]},
        free_bytes=answer["free_bytes"], has_iso=answer["iso"], machines=machines,
        duplicates=tuple(vm for vm in vms if vm.machine is not None and machines[vm.machine] is not vm),
        foreign=tuple(vm for vm in vms if vm.machine is None), disks=disks,
        cpu=pc.get("cpu", ""), cpu_id=pc.get("cpu_id", ""), free_memory_bytes=pc["free_memory_bytes"],
        feature=answer.get("feature"),
        readiness=_readiness(answer["readiness"]) if "readiness" in answer else ReadinessFacts(),
        skew_s=(_read_at(answer) - now).total_seconds() if now else 0.0,
    )  # fmt: skip


def _read_at(answer: Mapping[str, Any]) -> datetime:
    """What the PC's clock said when it had read all: its readiness is read last, and may take minutes."""
    return datetime.fromisoformat(answer.get("readiness", {}).get("time", answer["host"]["time"]))


def _readiness(row: Mapping[str, Any]) -> ReadinessFacts:
    return ReadinessFacts(
        is_probed=row["probed"], full_rights=row["full_rights"], sleep_s=row["sleep_s"], media=row["media"],
        file_system=row["file_system"], is_packed=row["packed"],
        neighbours=tuple((one["address"], one["mac"].upper()) for one in row["neighbours"]),
        profiles=tuple((one["index"], one["category"]) for one in row["profiles"]),
        rules=tuple(RuleFacts(r["name"], r["opens"], r["public"], tuple(r["from"])) for r in row["rules"]),
        nats=tuple((one["name"], one["cidr"]) for one in row["nats"]),
        bridged=frozenset(row["bridged"]),
        vlans=tuple(TagFacts(one["vm"], one["adapter"], one["switch"], one["vlan"]) for one in row["vlans"]),
    )  # fmt: skip


def _switch(row: Mapping[str, Any]) -> SwitchFacts:
    ids, descriptions = tuple(row["adapter_ids"]), tuple(row["adapter_descriptions"])
    return SwitchFacts(row["id"], row["name"], row["type"], ids, descriptions)


def _physical(row: Mapping[str, Any]) -> PhysicalFacts:
    return PhysicalFacts(
        row["id"],
        row["index"],
        row["name"],
        row["description"],
        row["mac"],
        row["up"],
        row["hardware"],
        row["type"],
        row.get("vlan", 0),
    )


def _disk(row: Mapping[str, Any], lab: str) -> DiskFacts | None:
    """A disk that carries this lab's mark; None for any other file."""
    mark = row["mark"]
    if not isinstance(mark, dict) or mark.get("lab") != lab:
        return None
    versions.refuse_newer(f"the mark of {lab} beside {row['path']}", mark.get("version"))
    return DiskFacts(str(mark["disk"]), str(mark["kind"]), row["path"], str(mark["machine"]), row["size_bytes"])


def owner(notes: str, lab: str) -> str | None:
    """The machine whose mark of this lab stands in a VM's Notes; None when it does not."""
    try:
        mark = json.loads(notes)
    except json.JSONDecodeError:
        return None
    if not isinstance(mark, dict) or mark.get("lab") != lab:
        return None
    versions.refuse_newer(f"the mark of {lab} in the Notes of {mark.get('machine')}'s VM", mark.get("version"))
    return str(mark.get("machine"))


def _vm(row: Mapping[str, Any], lab: str, disks: tuple[DiskFacts, ...]) -> VmFacts:
    machine = owner(row["notes"], lab)
    begun = _begun_machine(row, lab) if machine is None else None
    name, detail = machine or begun, row["detail"]
    first = {
        "id": row["id"], "name": row["name"], "state": row["state"], "generation": row["generation"],
        "memory_bytes": row["memory_bytes"], "assigned_bytes": row["assigned_bytes"],
        "uptime_s": row["uptime_s"], "macs": tuple(row["macs"]),
    }  # fmt: skip
    if name is None or detail is None:
        paths = detail["drives"] if detail else []
        return VmFacts(**first, drives=tuple(DriveFacts(d["id"], d["path"]) for d in paths))
    drives = tuple(DriveFacts(drive["id"], drive["path"]) for drive in detail["drives"])
    return VmFacts(
        **first, machine=name, notes_kept=machine is not None, cpus=detail["cpus"],
        dynamic_memory=detail["dynamic_memory"],
        start_action=detail["start_action"], stop_action=detail["stop_action"],
        automatic_checkpoints=detail["automatic_checkpoints"],
        checkpoints=tuple(_checkpoint(one) for one in detail["checkpoints"]),
        secure_boot=detail["secure_boot"], template=detail["template"],
        adapters=tuple(_adapter(row) for row in detail["adapters"]), drives=drives,
        dvds=tuple(DriveFacts(dvd["id"], dvd["path"]) for dvd in detail["dvds"]),
        boot=tuple(entry["id"] for entry in detail["boot"] if entry["type"] != "File"),
        system_disk=_attached(drives, disks, name, "system"), data_disk=_attached(drives, disks, name, "data"),
    )  # fmt: skip


def _checkpoint(row: Mapping[str, Any]) -> CheckpointFacts:
    named = [DISK_NAME.fullmatch(PureWindowsPath(path).name) for path in row["disks"]]
    return CheckpointFacts(row["name"], row["time"], any(one and one["kind"].lower() == "data" for one in named))


def _begun_machine(row: Mapping[str, Any], lab: str) -> str | None:
    """The machine of a VM whose making was cut off before its Notes were written: it lies in that machine's folder."""
    path = PureWindowsPath(row["path"])
    own_folder = path.parent.parent.name.lower() == lab.lower() and row["detail"] is not None
    return path.parent.name if own_folder and not row["notes"] and row["name"] == f"{lab}-{path.parent.name}" else None


def _adapter(row: Mapping[str, Any]) -> AdapterFacts:
    return AdapterFacts(
        id=row["id"], name=row["name"], mac=row["mac"], dynamic_mac=row["dynamic_mac"], switch=row["switch"],
        mode=row["vlan_mode"], vlan=row["vlan"] if row["vlan_mode"] == "Access" else None,
        dhcp_guard=row["dhcp_guard"], router_guard=row["router_guard"], addresses=tuple(row["addresses"]),
    )  # fmt: skip


def _attached(
    drives: tuple[DriveFacts, ...], disks: tuple[DiskFacts, ...], machine: str, kind: str
) -> DiskFacts | None:
    """The disk of a kind that is in a VM: by its mark, or by its file's name where the mark is lost or lies below."""
    marked = {disk.path.lower(): disk for disk in disks}
    for drive in drives:
        disk = marked.get(drive.path.lower())
        if disk and disk.machine == machine and (disk.kind == kind or (disk.kind == "discarded" and kind == "system")):
            return disk
        named = DISK_NAME.fullmatch(PureWindowsPath(drive.path).name)
        if disk is None and named and named["kind"].lower() == kind:
            is_marked = any(d.id == named["id"].lower() and d.kind == kind for d in disks)
            return DiskFacts(named["id"].lower(), kind, drive.path, machine, None, is_marked)
    return None
