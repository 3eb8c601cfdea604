"""What is known of a host and its VMs, typed and frozen. `labkit.hyperv.reading` makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DiskFacts:
    """A disk of this lab. `marked`: its mark file says so too; `kind` is system, data or discarded."""

    id: str
    kind: str
    path: str
    machine: str
    size_bytes: int | None = None
    marked: bool = True


@dataclass(frozen=True)
class AdapterFacts:
    """A VM's network adapter; `mac` as twelve upper-case hex digits, `mode` Hyper-V's word, `vlan` in mode Access."""

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

    @property
    def is_layer(self) -> bool:
        """Whether it is a file above the disk's own one: a checkpoint holds that, or a merge goes on."""
        return self.path.lower().endswith(".avhdx")

    @property
    def base(self) -> str:
        """The disk's own file, in lower case, whatever layer is attached."""
        return re.sub(r"_[0-9a-f-]{36}\.avhdx$", ".vhdx", self.path.lower())


@dataclass(frozen=True)
class CheckpointFacts:
    """A checkpoint of a VM; `time` in UTC as ISO 8601. `holds_data`: going back to it would roll the data disk back."""

    name: str
    time: str
    holds_data: bool = False


@dataclass(frozen=True)
class VmFacts:
    """A VM. `machine` is None for a foreign one, of which only the first block is known."""

    id: str
    name: str
    state: str
    generation: int
    memory_bytes: int  # when it starts
    assigned_bytes: int  # what it holds now
    uptime_s: int
    macs: tuple[str, ...]
    machine: str | None = None
    notes_kept: bool = True  # False: made by a call that was cut off before it wrote the Notes

    cpus: int = 0
    dynamic_memory: bool = False
    start_action: str = ""
    stop_action: str = ""
    automatic_checkpoints: bool = False
    checkpoints: tuple[CheckpointFacts, ...] = ()  # oldest first
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

    @property
    def is_merging(self) -> bool:
        """Whether layers of checkpoints that are gone still wait to become part of their disks."""
        return not self.checkpoints and any(drive.is_layer for drive in self.drives)

    def checkpoints_named(self, name: str) -> tuple[CheckpointFacts, ...]:
        """Its checkpoints of that name, which Windows compares without case."""
        return tuple(one for one in self.checkpoints if one.name.casefold() == name.casefold())

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
    vlan: int = 0  # a tag that the driver itself gives to everything; 0: none


@dataclass(frozen=True)
class RuleFacts:
    """A firewall rule about WinRM's ports; `remote` are the addresses that it holds for, as Windows writes them."""

    name: str
    opens: bool
    is_public: bool  # it holds on public networks too
    remote: tuple[str, ...]


@dataclass(frozen=True)
class TagFacts:
    """A VLAN that somebody else uses: an adapter of the PC itself (`vm` is '') or of a VM without this lab's mark."""

    vm: str
    adapter: str
    switch: str
    vlan: int


@dataclass(frozen=True)
class ReadinessFacts:
    """What only a check asks for; None and empty where it is not known."""

    is_probed: bool = False  # the machines' EXTERNAL addresses were called before `neighbours` was read
    neighbours: tuple[tuple[str, str], ...] = ()  # IPv4 address and MAC of whoever the PC heard of
    full_rights: bool | None = None  # False: an account whose rights Windows filtered
    media: str | None = None  # what the lab's folder lies on: HDD, SSD or SCM
    file_system: str | None = None  # of that drive, such as NTFS or exFAT
    is_packed: bool | None = None  # what is made in that folder is compressed or encrypted
    sleep_s: int | None = None  # idle seconds after which the PC sleeps while plugged in; 0: never
    profiles: tuple[tuple[int, str], ...] = ()  # an adapter's index, and Public, Private or DomainAuthenticated
    rules: tuple[RuleFacts, ...] = ()
    bridged: frozenset[str] = frozenset()  # names of adapters that are members of a network bridge or a team
    vlans: tuple[TagFacts, ...] = ()
    nats: tuple[tuple[str, str], ...] = ()  # name and range of each network that Windows translates for


@dataclass(frozen=True)
class HostFacts:
    """A host: the PC, its Hyper-V service, and its VMs sorted into this lab's machines and foreign ones."""

    host: str
    powershell: str
    memory_bytes: int
    architecture: int  # Win32_Processor.Architecture: 9 is x64, 12 ARM64
    has_hypervisor: bool  # one runs: without it Hyper-V's service answers, and starts no VM
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
    cpu: str = ""  # the processor's brand, and as Windows identifies it ("Intel64 Family 6 Model 158 Stepping 10")
    cpu_id: str = ""
    feature: str | None = (
        None  # of Windows, while the service does not run: Enabled, EnablePending ...; '': no such one
    )
    readiness: ReadinessFacts = ReadinessFacts()
    free_memory_bytes: int | None = None  # what Windows, its programs and running VMs leave
    skew_s: float = 0.0  # how far its clock is ahead of the controller's

    @property
    def answers(self) -> bool:
        """Whether "there is no such VM" may be believed."""
        return self.service == "Running" and self.refusal is None

    def loose_disks(self, machine: str, kind: str) -> tuple[DiskFacts, ...]:
        """A machine's marked disks of a kind that no VM of this host has attached."""
        attached = {drive.base for vm in self._all() for drive in vm.drives}
        return tuple(
            disk
            for disk in self.disks
            if disk.machine == machine and disk.kind == kind and disk.path.lower() not in attached
        )

    def _all(self) -> Iterable[VmFacts]:
        return (*self.machines.values(), *self.duplicates, *self.foreign)
