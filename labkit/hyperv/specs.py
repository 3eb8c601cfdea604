"""What each machine should be on its host. Pure: follows from the lab alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from labkit.description.lab import Lab, Machine

SECURE_BOOT_TEMPLATE = "MicrosoftUEFICertificateAuthority"  # what shim is signed for; the default boots Windows alone
START_ACTION, STOP_ACTION = "StartIfRunning", "ShutDown"
MB, GB = 1024**2, 1024**3

DiskKind = Literal["system", "data"]


@dataclass(frozen=True)
class AdapterSpec:
    """An adapter; `mac` as twelve upper-case hex digits, `vlan` None for untagged frames.

    `is_guarded`: Hyper-V drops DHCP answers and router advertisements that this machine would send.
    """

    name: str
    switch: str
    mac: str
    vlan: int | None
    is_guarded: bool


@dataclass(frozen=True)
class MachineSpec:
    """A VM as described. `dvd` is '' for a machine without a DVD drive."""

    name: str
    host: str
    vm_name: str
    lab: str
    folder: str
    cpus: int
    memory_bytes: int
    adapters: tuple[AdapterSpec, ...]
    system_disk_bytes: int
    data_disk_bytes: int | None
    dvd: str

    @property
    def notes(self) -> str:
        """The VM's mark."""
        return json.dumps({"lab": self.lab, "machine": self.name}, separators=(",", ":"))

    @property
    def boot_disk(self) -> str:
        """Where the image lies that a machine with a DVD drive is installed by, while it is."""
        return str(PureWindowsPath(self.folder, "boot.iso"))

    def disk_path(self, kind: DiskKind, disk_id: str) -> str:
        return str(PureWindowsPath(self.folder, f"{kind}-{disk_id}.vhdx"))


def disk_mark(lab: str, machine: str, disk_id: str, kind: str) -> str:
    """The text of the file beside a disk that says whose it is."""
    return json.dumps({"lab": lab, "machine": machine, "disk": disk_id, "kind": kind}, separators=(",", ":"))


def folder_of(lab: Lab, machine: str) -> str:
    """A machine's folder on its host."""
    return str(PureWindowsPath(lab.vm_path, lab.name, machine))


def machine_spec(lab: Lab, machine: Machine) -> MachineSpec:
    """The VM that carries a machine of the lab."""
    serves = machine is lab.bootstrap
    return MachineSpec(
        name=machine.name,
        host=machine.host,
        vm_name=machine.vm_name,
        lab=lab.name,
        folder=folder_of(lab, machine.name),
        cpus=machine.cpus,
        memory_bytes=machine.memory_mb * MB,
        adapters=tuple(
            AdapterSpec(
                name=adapter.network.name,
                switch=lab.switch_of(adapter.network.name).name,
                mac=adapter.mac_digits,
                vlan=adapter.network.vlan,
                is_guarded=not (serves and adapter is machine.mgmt),  # DHCP is answered on MGMT, by one machine
            )
            for adapter in machine.interfaces
        ),
        system_disk_bytes=machine.disk_gb * GB,
        data_disk_bytes=machine.data_disk_gb * GB if machine.data_disk_gb else None,
        dvd=lab.iso_path if serves else "",
    )


def specs(lab: Lab) -> tuple[MachineSpec, ...]:
    """All machines of the lab, in its order."""
    return tuple(machine_spec(lab, machine) for machine in lab.machines)
