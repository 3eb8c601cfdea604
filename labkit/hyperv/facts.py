"""What a host answered, typed. Frozen; made from Get-LabHost's answer only (scripts/powershell/README.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

DISK_NAME = re.compile(r"(?P<kind>system|data)-(?P<id>[0-9a-f]{8})(_[0-9A-F-]+\.avhdx|\.vhdx)", re.IGNORECASE)
"""A disk's file, or after a checkpoint the differencing file above it."""


@dataclass(frozen=True)
class DiskFacts:
    """A disk of this lab. `marked`: its mark file says so too; `kind` is system, data or discarded."""

    id: str
    kind: str
    path: str
    machine: str
    size_bytes: int | None = None
    marked: bool = True

    @property
    def is_checkpointed(self) -> bool:
        return self.path.lower().endswith(".avhdx")


@dataclass(frozen=True)
class AdapterFacts:
    """A VM's network adapter; `mac` as twelve upper-case hex digits, `vlan` None when untagged, `mode` Hyper-V's word."""

    id: str
    name: str
    mac: str
    dynamic_mac: bool
    switch: str
    mode: str
    vlan: int | None
    dhcp_guard: bool
    router_guard: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class DriveFacts:
    """A drive of a VM and the file in it; an empty DVD drive has the path ''."""

    id: str
    path: str


@dataclass(frozen=True)
class VmFacts:
    """A VM. `machine` is None for a foreign one, of which only the first block is known."""

    id: str
    name: str
    state: str
    generation: int
    memory_bytes: int
    uptime_s: int
    macs: tuple[str, ...]
    machine: str | None = None
    notes_kept: bool = True  # False: made by a call that was cut off before it wrote the Notes

    cpus: int = 0
    assigned_bytes: int = 0
    dynamic_memory: bool = False
    start_action: str = ""
    stop_action: str = ""
    automatic_checkpoints: bool = False
    checkpoints: int = 0
    secure_boot: bool = False
    template: str = ""
    adapters: tuple[AdapterFacts, ...] = ()
    drives: tuple[DriveFacts, ...] = ()
    dvds: tuple[DriveFacts, ...] = ()
    boot: tuple[str, ...] = ()  # ids of devices; entries that an installed system made (files) are left out
    system_disk: DiskFacts | None = None
    data_disk: DiskFacts | None = None

    @property
    def is_off(self) -> bool:
        return self.state == "Off"

    def adapter(self, name: str) -> AdapterFacts | None:
        return next((adapter for adapter in self.adapters if adapter.name == name), None)


@dataclass(frozen=True)
class SwitchFacts:
    id: str
    name: str
    type: str
    adapter_ids: tuple[str, ...]
    adapter_descriptions: tuple[str, ...]


@dataclass(frozen=True)
class PhysicalFacts:
    """A network adapter of the PC itself; `type` is IANA's ifType."""

    id: str
    index: int
    name: str
    description: str
    mac: str
    is_up: bool
    is_hardware: bool
    type: int


@dataclass(frozen=True)
class HostFacts:
    """A host: the PC, its Hyper-V service, and its VMs sorted into this lab's machines and foreign ones."""

    host: str
    computer: str
    powershell: str
    windows_build: int
    time: str
    memory_bytes: int
    free_memory_bytes: int
    processors: int
    service: str
    refusal: str | None  # why a running service did not answer
    templates: tuple[str, ...]
    switches: tuple[SwitchFacts, ...]
    adapters: tuple[PhysicalFacts, ...]
    addresses: Mapping[str, int]  # IPv4 address -> index of its adapter
    free_bytes: int | None
    has_iso: bool
    machines: Mapping[str, VmFacts]
    duplicates: tuple[VmFacts, ...]  # further VMs with the mark of a machine that is in `machines` already
    foreign: tuple[VmFacts, ...]
    disks: tuple[DiskFacts, ...]  # every marked disk of this lab, attached or not

    @property
    def answers(self) -> bool:
        """Whether "there is no such VM" may be believed."""
        return self.service == "Running" and self.refusal is None

    def loose_disks(self, machine: str, kind: str) -> tuple[DiskFacts, ...]:
        """A machine's marked disks of a kind that no VM of this host has attached."""
        attached = {drive.path.lower() for vm in self._all() for drive in vm.drives}
        return tuple(
            disk
            for disk in self.disks
            if disk.machine == machine and disk.kind == kind and disk.path.lower() not in attached
        )

    def _all(self) -> Iterable[VmFacts]:
        return (*self.machines.values(), *self.duplicates, *self.foreign)

    @classmethod
    def of(cls, host: str, lab: str, answer: Mapping[str, Any]) -> HostFacts:
        """Sort out the answer of `host`; `lab` is the lab's name."""
        pc, refusal = answer["host"], answer["refusal"]
        disks = tuple(disk for row in answer["disks"] if (disk := _disk(row, lab)))
        vms = [_vm(row, lab, disks) for row in answer["vms"]]
        machines: dict[str, VmFacts] = {}
        duplicates = []
        for vm in vms:
            if vm.machine is not None and machines.setdefault(vm.machine, vm) is not vm:
                duplicates.append(vm)
        return cls(
            host=host, computer=pc["name"], powershell=pc["powershell"], windows_build=pc["windows_build"],
            time=pc["time"], memory_bytes=pc["memory_bytes"], free_memory_bytes=pc["free_memory_bytes"],
            processors=pc["processors"], service=answer["service"],
            refusal=f"{refusal['message']} [{refusal['id']}]" if refusal else None,
            templates=tuple(answer["templates"]),
            switches=tuple(
                SwitchFacts(s["id"], s["name"], s["type"], tuple(s["adapter_ids"]), tuple(s["adapter_descriptions"]))
                for s in answer["switches"]
            ),
            adapters=tuple(
                PhysicalFacts(
                    a["id"], a["index"], a["name"], a["description"], a["mac"], a["up"], a["hardware"], a["type"]
                )
                for a in answer["adapters"]
            ),
            addresses={row["address"]: row["index"] for row in answer["addresses"]},
            free_bytes=answer["free_bytes"], has_iso=answer["iso"], machines=machines, duplicates=tuple(duplicates),
            foreign=tuple(vm for vm in vms if vm.machine is None), disks=disks,
        )  # fmt: skip


def _disk(row: Mapping[str, Any], lab: str) -> DiskFacts | None:
    """A disk that carries this lab's mark; None for any other file."""
    mark = row["mark"]
    if not isinstance(mark, dict) or mark.get("lab") != lab:
        return None
    return DiskFacts(str(mark["disk"]), str(mark["kind"]), row["path"], str(mark["machine"]), row["size_bytes"])


def owner(notes: str, lab: str) -> str | None:
    """The machine whose mark of this lab stands in a VM's Notes; None when it does not."""
    try:
        mark = json.loads(notes)
    except json.JSONDecodeError:
        return None
    return str(mark.get("machine")) if isinstance(mark, dict) and mark.get("lab") == lab else None


def _vm(row: Mapping[str, Any], lab: str, disks: tuple[DiskFacts, ...]) -> VmFacts:
    machine = owner(row["notes"], lab)
    begun = _begun_machine(row, lab) if machine is None else None
    name, detail = machine or begun, row["detail"]
    first = {
        "id": row["id"], "name": row["name"], "state": row["state"], "generation": row["generation"],
        "memory_bytes": row["memory_bytes"], "uptime_s": row["uptime_s"], "macs": tuple(row["macs"]),
    }  # fmt: skip
    if name is None or detail is None:
        paths = detail["drives"] if detail else []
        return VmFacts(**first, drives=tuple(DriveFacts(d["id"], d["path"]) for d in paths))
    drives = tuple(DriveFacts(drive["id"], drive["path"]) for drive in detail["drives"])
    return VmFacts(
        **first, machine=name, notes_kept=machine is not None, cpus=detail["cpus"],
        assigned_bytes=detail["assigned_bytes"], dynamic_memory=detail["dynamic_memory"],
        start_action=detail["start_action"], stop_action=detail["stop_action"],
        automatic_checkpoints=detail["automatic_checkpoints"], checkpoints=detail["checkpoints"],
        secure_boot=detail["secure_boot"], template=detail["template"],
        adapters=tuple(_adapter(row) for row in detail["adapters"]), drives=drives,
        dvds=tuple(DriveFacts(dvd["id"], dvd["path"]) for dvd in detail["dvds"]),
        boot=tuple(entry["id"] for entry in detail["boot"] if entry["type"] != "File"),
        system_disk=_attached(drives, disks, name, "system"), data_disk=_attached(drives, disks, name, "data"),
    )  # fmt: skip


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
