"""A virtual machine as the Hyper-V stand-in describes it, read into what its power supply needs to know."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rehearsal.hosts.state import HostState
from rehearsal.room.layout import LAN_BRIDGE

WRITTEN_BYTES = 2 << 30
UEFI_TEMPLATE = "MicrosoftUEFICertificateAuthority"


@dataclass(frozen=True)
class Adapter:
    """A network adapter; `bridge` None: its cable is not plugged in."""

    id: str
    name: str
    mac: str
    bridge: str | None


@dataclass(frozen=True)
class Drive:
    """A drive with a virtual disk: its file, its content's id and size, None for a VHDX file that is not there."""

    id: str
    location: int
    vhd: str | None
    size_bytes: int
    file: Path


@dataclass(frozen=True)
class Dvd:
    """A DVD drive with an image in it."""

    id: str
    image: Path


@dataclass(frozen=True)
class Vm:
    """One VM as it was when it was read."""

    id: str
    host: str
    name: str
    lab: str | None
    machine: str | None
    state: str
    power_on_count: int
    adapters: tuple[Adapter, ...]
    drives: tuple[Drive, ...]
    boot_order: tuple[tuple[Literal["drive", "network"], str], ...]
    secure_boot: bool
    secure_boot_template: str
    dvds: tuple[Dvd, ...] = ()
    memory_bytes: int = field(kw_only=True)

    @property
    def short(self) -> str:
        """Eight hex digits that name its links and groups; unique like the id they come from."""
        return self.id.replace("-", "")[:8].lower()

    def adapter(self, adapter_id: str) -> Adapter | None:
        return next((adapter for adapter in self.adapters if adapter.id == adapter_id), None)

    def drive(self, drive_id: str) -> Drive | None:
        return next((drive for drive in self.drives if drive.id == drive_id), None)

    def dvd(self, drive_id: str) -> Dvd | None:
        return next((dvd for dvd in self.dvds if dvd.id == drive_id), None)


def read(host: HostState, state: dict[str, Any]) -> dict[str, Vm]:
    """The VMs of a host's state, by id."""
    return {vm_id: _vm(host, state, raw) for vm_id, raw in state["vms"].items()}


def bridge_of(host: str, switch: dict[str, Any] | None, vlan: int | None) -> str | None:
    """The bridge that an adapter is plugged into; every External switch reaches the one LAN, one bridge a VLAN."""
    if switch is None:
        return None
    if switch["type"] != "External":
        name = zlib.crc32(f"{host}/{switch['id']}/{vlan}".encode())
        return f"br-{name:08x}"
    return LAN_BRIDGE if vlan is None else f"br-vlan{vlan}"


def _vm(host: HostState, state: dict[str, Any], raw: dict[str, Any]) -> Vm:
    switches = {switch["name"]: switch for switch in state["switches"]}
    mark = _mark(raw["notes"])
    adapters = tuple(
        Adapter(a["id"], a["name"], _mac(a["mac"]), bridge_of(host.host, switches.get(a["switch"]), a["vlan"]))
        for a in raw["adapters"]
    )
    order = tuple((entry["type"], entry["id"]) for entry in raw["boot_order"] if entry["type"] in ("drive", "network"))
    return Vm(
        id=raw["id"], host=host.host, name=raw["name"], lab=mark.get("lab"), machine=mark.get("machine"),
        state=raw["state"], power_on_count=raw["power_on_count"], adapters=adapters,
        drives=tuple(_drive(host, drive) for drive in sorted(raw["drives"], key=_place)), boot_order=order,
        secure_boot=raw["secure_boot"], secure_boot_template=raw["secure_boot_template"],
        memory_bytes=raw["memory_bytes"],
        dvds=tuple(Dvd(dvd["id"], host.local(dvd["path"])) for dvd in raw["dvds"] if dvd["path"]),
    )  # fmt: skip


def _place(raw: dict[str, Any]) -> tuple[int, int]:
    """Where a drive is on its controller: Linux names disks in this order, whatever was attached last."""
    return raw["controller"], raw["location"]


def _drive(host: HostState, raw: dict[str, Any]) -> Drive:
    file = host.local(raw["path"])
    content = vhdx(file)
    return Drive(raw["id"], raw["location"], content.get("vhd"), content.get("size_bytes", 0), file)


def vhdx(file: Path) -> dict[str, Any]:
    """What a VHDX file of the stand-in says; empty when it is missing or something else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_to(drive: Drive) -> None:
    """Let a drive's VHDX file be as large as one that a system was written to: its content lies elsewhere."""
    content = {**vhdx(drive.file), "file_bytes": WRITTEN_BYTES}
    fresh = drive.file.with_suffix(".new")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(drive.file)


def _mark(notes: str) -> dict[str, Any]:
    try:
        mark = json.loads(notes)
    except ValueError:
        return {}
    return mark if isinstance(mark, dict) else {}


def _mac(digits: str) -> str:
    pairs = [digits[i : i + 2] for i in range(0, 12, 2)]
    return ":".join(pairs).lower()
