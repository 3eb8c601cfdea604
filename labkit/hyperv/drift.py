"""What differs between the hosts and the description. Pure; `hyperv.plan` prints it and `hyperv.create` acts on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from labkit.hyperv.facts import DiskFacts, HostFacts, VmFacts
from labkit.hyperv.specs import (
    GB,
    MB,
    SECURE_BOOT_TEMPLATE,
    START_ACTION,
    STOP_ACTION,
    AdapterSpec,
    DiskKind,
    MachineSpec,
    specs,
)

if TYPE_CHECKING:
    from labkit.lab import Lab

Action = Literal["create", "change", "attach", "replace", "destroy", "foreign", "unchanged"]
STEPS = ("create", "identity", "cpus", "memory", "policy", "adapters", "disks", "dvd", "secure_boot", "boot")
"""What New-LabMachine can do, in its order."""


@dataclass(frozen=True)
class Change:
    """One difference: the step that removes it, a sentence, and whether the VM must be off for it."""

    step: str
    text: str
    needs_off: bool = False


@dataclass(frozen=True)
class Obstacle:
    """Why `hyperv.create` will not act on a machine, and the command that may."""

    text: str
    command: str


@dataclass(frozen=True)
class MachinePlan:
    """What would happen to one VM. `attach`: surviving disks of the machine that no VM has attached."""

    name: str
    host: str
    action: Action
    changes: tuple[Change, ...] = ()
    obstacle: Obstacle | None = None
    vm: VmFacts | None = None
    attach: Mapping[DiskKind, DiskFacts] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """What New-LabMachine is asked to do, in its order."""
        wanted = {change.step for change in self.changes}
        return tuple(step for step in STEPS if step in wanted)


@dataclass(frozen=True)
class Plan:
    """The whole lab: every machine described, then VMs of this lab that are not, then foreign ones."""

    machines: tuple[MachinePlan, ...]

    @property
    def work(self) -> tuple[MachinePlan, ...]:
        return tuple(m for m in self.machines if m.action in ("create", "change", "attach") and not m.obstacle)

    @property
    def refused(self) -> tuple[MachinePlan, ...]:
        return tuple(m for m in self.machines if m.obstacle)


def plan(lab: Lab, facts: Mapping[str, HostFacts]) -> Plan:
    """Compare every host's facts with the lab. The hosts must answer (`HostFacts.answers`): absence is believed here."""
    described = [_machine(spec, facts) for spec in specs(lab)]
    names = {machine.name for machine in lab.machines}
    others: list[MachinePlan] = []
    for host, here in facts.items():
        others += [
            MachinePlan(vm.machine or vm.name, host, "destroy", (Change("", "not described"),), vm=vm)
            for vm in here.machines.values()
            if vm.machine not in names
        ]
        others += [MachinePlan(vm.name, host, "foreign", vm=vm) for vm in here.foreign]
    return Plan((*described, *others))


def _machine(spec: MachineSpec, facts: Mapping[str, HostFacts]) -> MachinePlan:
    here = facts[spec.host]
    copies = [f"{name} on {host}" for host, other in facts.items() for name in _vm_names(other, spec.name)]
    vm = here.machines.get(spec.name)
    if len(copies) > 1:
        text = f"several VMs carry the mark of {spec.name}: {', '.join(copies)}"
        return _refusal(spec, text, "remove all but one in Hyper-V Manager", vm)
    if vm is None and copies:
        text = f"it is {copies[0]} and described on {spec.host}"
        return _refusal(spec, text, f"inv hyperv.destroy --machine {spec.name}", None)
    return _absent(spec, here) if vm is None else _present(spec, vm, here)


def _vm_names(facts: HostFacts, machine: str) -> Iterator[str]:
    for vm in (*facts.machines.values(), *facts.duplicates):
        if vm.machine == machine:
            yield vm.name


def _refusal(spec: MachineSpec, text: str, command: str, vm: VmFacts | None) -> MachinePlan:
    return MachinePlan(spec.name, spec.host, "replace", (Change("", text, True),), Obstacle(text, command), vm)


def _absent(spec: MachineSpec, here: HostFacts) -> MachinePlan:
    """A VM that is not there is made around what survived of its disks."""
    attach, obstacle = _survivors(spec, here)
    if any(vm.name.lower() == spec.vm_name.lower() for vm in here.foreign):
        text = f"a VM that is not this lab's is named {spec.vm_name} on {spec.host}"
        obstacle = Obstacle(text, "rename or remove it in Hyper-V Manager, or choose another lab.id")
    texts = {
        "create": "the VM is missing",
        "disks": ", ".join(f"{kind} disk {disk.id} is attached again" for kind, disk in attach.items())
        or "blank disks",
    }
    steps = [s for s in STEPS if s != "identity" and (s != "dvd" or (spec.dvd and here.has_iso))]
    changes = tuple(Change(step, texts.get(step, "")) for step in steps)
    return MachinePlan(spec.name, spec.host, "attach" if attach else "create", changes, obstacle, None, attach)


def _survivors(
    spec: MachineSpec, here: HostFacts, vm: VmFacts | None = None
) -> tuple[dict[DiskKind, DiskFacts], Obstacle | None]:
    """The marked disks that could be attached to this machine, unless there are too many to choose from."""
    attach: dict[DiskKind, DiskFacts] = {}
    kinds: tuple[DiskKind, ...] = ("system", "data") if spec.data_disk_bytes else ("system",)
    for kind in kinds:
        if vm is not None and (vm.system_disk if kind == "system" else vm.data_disk):
            continue
        loose = here.loose_disks(spec.name, kind)
        if len(loose) > 1:
            text = f"it has several {kind} disks left over: {', '.join(disk.path for disk in loose)}"
            return {}, Obstacle(text, f"move all but one of them out of {spec.folder} on {spec.host}")
        if loose:
            attach[kind] = loose[0]
    return attach, None


def _present(spec: MachineSpec, vm: VmFacts, here: HostFacts) -> MachinePlan:
    unlike = _unlike(spec, vm)
    if unlike:
        return _refusal(spec, unlike.text, unlike.command, vm)
    attach, obstacle = _survivors(spec, here, vm)
    changes = (*_settings(spec, vm), *_adapters(spec, vm), *_disks(spec, vm, attach), *_firmware(spec, vm))
    if spec.dvd and here.has_iso and spec.dvd.lower() not in {dvd.path.lower() for dvd in vm.dvds}:
        changes += (Change("dvd", f"{spec.dvd} is not in its DVD drive"),)
    if not changes:
        return MachinePlan(spec.name, spec.host, "unchanged", vm=vm)
    action: Action = "attach" if attach else "change"
    obstacle = obstacle or _state_obstacle(spec, vm, changes)
    return MachinePlan(spec.name, spec.host, action, changes, obstacle, vm, attach)


def _unlike(spec: MachineSpec, vm: VmFacts) -> Obstacle | None:
    """What no setting can repair."""
    system, data = vm.system_disk, vm.data_disk
    if vm.generation != 2:
        return Obstacle(f"it is a generation {vm.generation} VM", f"inv hyperv.destroy --machine {spec.name}")
    if system and system.kind == "discarded":
        return Obstacle("its system disk was being discarded when that was cut off", "inv lab.discard")
    if system and system.size_bytes not in (None, spec.system_disk_bytes):
        found = (system.size_bytes or 0) / GB
        text = f"its system disk has {found:g} GB, not {spec.system_disk_bytes / GB:g}"
        return Obstacle(text, f"inv os.reinstall --machine {spec.name}")
    if data and data.size_bytes not in (None, spec.data_disk_bytes) and spec.data_disk_bytes:
        found = (data.size_bytes or 0) / GB
        text = f"its data disk has {found:g} GB, not {spec.data_disk_bytes / GB:g}"
        return Obstacle(text, f"set data_disk_gb: {found:g}, or inv nfs.destroy-data")
    return None


def _state_obstacle(spec: MachineSpec, vm: VmFacts, changes: tuple[Change, ...]) -> Obstacle | None:
    if vm.state not in ("Off", "Running"):
        return Obstacle(f"it is {vm.state}, and differs", f"inv hyperv.start --machine {spec.name}, then repeat")
    blocked = [change.text for change in changes if change.needs_off]
    if blocked and not vm.is_off:
        text = f"it runs, and must be off for: {'; '.join(blocked)}"
        return Obstacle(text, f"inv hyperv.stop --machine {spec.name} hyperv.create")
    return None


def _settings(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    if vm.name != spec.vm_name:
        yield Change("identity", f"named {vm.name}, not {spec.vm_name}")
    if not vm.notes_kept:
        yield Change("identity", "its making was cut off: no mark in its Notes")
    if vm.cpus != spec.cpus:
        yield Change("cpus", f"cpus {vm.cpus} -> {spec.cpus}", needs_off=True)
    if vm.dynamic_memory:
        yield Change("memory", "dynamic memory -> static", needs_off=True)
    if vm.memory_bytes != spec.memory_bytes:
        text = f"memory_mb {vm.memory_bytes // MB} -> {spec.memory_bytes // MB}"
        yield Change("memory", text, needs_off=True)
    if vm.automatic_checkpoints or (vm.start_action, vm.stop_action) != (START_ACTION, STOP_ACTION):
        yield Change("policy", "automatic checkpoints, start or stop action")


def _adapters(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    names = [adapter.name for adapter in vm.adapters]
    wanted = [adapter.name for adapter in spec.adapters]
    for name in names:
        if name not in wanted or names.count(name) > 1:
            yield Change("adapters", f"adapter {name} is not described", needs_off=True)
    for adapter in spec.adapters:
        yield from _adapter(adapter, vm)


def _adapter(spec: AdapterSpec, vm: VmFacts) -> Iterator[Change]:
    found = vm.adapter(spec.name)
    if found is None:
        yield Change("adapters", f"adapter {spec.name} is missing")
        return
    if found.dynamic_mac or found.mac != spec.mac:
        was = "dynamic" if found.dynamic_mac else found.mac
        yield Change("adapters", f"MAC of {spec.name} {was} -> {spec.mac}", needs_off=True)
    if found.switch != spec.switch:
        yield Change("adapters", f"{spec.name} is on switch {found.switch or '(none)'}, not {spec.switch}")
    if found.mode != ("Access" if spec.vlan else "Untagged") or found.vlan != spec.vlan:
        was = str(found.vlan) if found.vlan else found.mode
        yield Change("adapters", f"VLAN of {spec.name} {was} -> {spec.vlan or 'untagged'}")
    if (found.dhcp_guard, found.router_guard) != (spec.is_guarded, spec.is_guarded):
        yield Change("adapters", f"DHCP and router guard of {spec.name} -> {'on' if spec.is_guarded else 'off'}")


def _disks(spec: MachineSpec, vm: VmFacts, attach: Mapping[DiskKind, DiskFacts]) -> Iterator[Change]:
    wanted: dict[DiskKind, DiskFacts | None] = {"system": vm.system_disk}
    if spec.data_disk_bytes:
        wanted["data"] = vm.data_disk
    for kind, disk in wanted.items():
        if disk is None and kind in attach:
            yield Change("disks", f"{kind} disk {attach[kind].id} is attached again", needs_off=kind == "system")
        elif disk is None:
            yield Change("disks", f"{kind} disk is missing: a blank one", needs_off=kind == "system")
        elif not disk.marked:
            yield Change("disks", f"mark of {kind} disk {disk.id} is missing")


def _firmware(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    if not vm.secure_boot or vm.template != SECURE_BOOT_TEMPLATE:
        was = vm.template if vm.secure_boot else "off"
        yield Change("secure_boot", f"Secure Boot {was} -> {SECURE_BOOT_TEMPLATE}", needs_off=True)
    mgmt = vm.adapter(spec.adapters[0].name)
    drive = next((d for d in vm.drives if vm.system_disk and d.path == vm.system_disk.path), None)
    if mgmt is None or drive is None or vm.boot[:2] != (drive.id, mgmt.id):
        yield Change("boot", "boot order -> system disk, then adapter mgmt", needs_off=True)
