"""What is to be done to make the hosts as described. Pure; `hyperv.plan` prints it and `hyperv.create` acts on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from labkit.hyperv.differences import Change, differences
from labkit.hyperv.facts import DiskFacts, HostFacts, VmFacts
from labkit.hyperv.specs import GB, DiskKind, MachineSpec, specs

if TYPE_CHECKING:
    from labkit.description.lab import Lab

Action = Literal["create", "change", "attach", "replace", "destroy", "foreign", "unchanged"]
STEPS = ("create", "identity", "cpus", "memory", "policy", "adapters", "disks", "dvd", "secure_boot", "boot")
"""What New-LabMachine can do, in its order."""


@dataclass(frozen=True)
class Obstacle:
    """Why `hyperv.create` will not act on a machine, and the command that may.

    `ends_by_reset`: power off and a blank system disk (`os.reinstall`, `k8s.replace`) put it right as well.
    """

    text: str
    command: str
    ends_by_reset: bool = False


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

    def after_reset(self, machines: Collection[str]) -> Plan:
        """What will be refused still when these machines have been powered off and given a blank system disk."""
        lasting = (m for m in self.refused if not (m.name in machines and m.obstacle and m.obstacle.ends_by_reset))
        return Plan(tuple(lasting))


def plan(lab: Lab, facts: Mapping[str, HostFacts]) -> Plan:
    """Compare the facts with the lab. Every host must answer (`HostFacts.answers`): what is not there is believed."""
    described = [_machine(lab, spec, facts) for spec in specs(lab)]
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


def made_anew(lab: Lab, name: str) -> str:
    """The commands that make a machine anew, VM and system, so that the lab is as described; data disks stay.

    Without its control plane a cluster is gone, and so are the memberships of all its nodes.
    """
    follows = "lab.rebuild" if name == lab.control_plane.name else "lab.up"
    return f"inv hyperv.destroy --machine {name}, then inv {follows}"


def installed_anew(lab: Lab, name: str) -> str:
    """The same, where a blank disk is all that is needed. `os.reinstall` wants kickstarts that only a stage publishes.

    That stage comes after `hyperv.create`, which refuses until the old system is gone.
    """
    return "inv lab.rebuild" if name == lab.control_plane.name else made_anew(lab, name)


def _machine(lab: Lab, spec: MachineSpec, facts: Mapping[str, HostFacts]) -> MachinePlan:
    here = facts[spec.host]
    copies = [f"{name} on {host}" for host, other in facts.items() for name in _vm_names(other, spec.name)]
    vm = here.machines.get(spec.name)
    if len(copies) > 1:
        text = f"several VMs carry the mark of {spec.name}: {', '.join(copies)}"
        return _refusal(spec, Obstacle(text, "remove all but one in Hyper-V Manager"), vm)
    if vm is None and copies:
        text = f"it is {copies[0]} and described on {spec.host}"
        command = "; ".join((made_anew(lab, spec.name), *_left_behind(spec, facts)))
        return _refusal(spec, Obstacle(text, command), None)
    return _absent(spec, here) if vm is None else _present(lab, spec, vm, here)


def _left_behind(spec: MachineSpec, facts: Mapping[str, HostFacts]) -> Iterator[str]:
    """What does not come along to another host by itself."""
    for host, other in facts.items():
        for disk in other.disks:
            if host != spec.host and (disk.machine, disk.kind) == (spec.name, "data"):
                yield (
                    f"its data disk ({disk.path}, {disk.path}.lab.json) stays on {host}, with all that is stored: copy"
                    f" both into the same folder on {spec.host} in between, else it begins with a blank one"
                )


def _vm_names(facts: HostFacts, machine: str) -> Iterator[str]:
    for vm in (*facts.machines.values(), *facts.duplicates):
        if vm.machine == machine:
            yield vm.name


def _refusal(spec: MachineSpec, obstacle: Obstacle, vm: VmFacts | None) -> MachinePlan:
    return MachinePlan(spec.name, spec.host, "replace", (Change("", obstacle.text, True),), obstacle, vm)


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
            command = f"move all but one of them out of {spec.folder} on {spec.host}"
            return {}, Obstacle(text, command, ends_by_reset=kind == "system")
        if loose:
            attach[kind] = loose[0]
    return attach, None


def _present(lab: Lab, spec: MachineSpec, vm: VmFacts, here: HostFacts) -> MachinePlan:
    unlike = _unlike(lab, spec, vm)
    if unlike:
        return _refusal(spec, unlike, vm)
    attach, obstacle = _survivors(spec, here, vm)
    changes = tuple(differences(spec, vm, attach))
    if spec.dvd and here.has_iso and spec.dvd.lower() not in {dvd.path.lower() for dvd in vm.dvds}:
        changes += (Change("dvd", f"{spec.dvd} is not in its DVD drive"),)
    if not changes:
        return MachinePlan(spec.name, spec.host, "unchanged", vm=vm)
    action: Action = "attach" if attach else "change"
    obstacle = obstacle or _state_obstacle(spec, vm, changes)
    return MachinePlan(spec.name, spec.host, action, changes, obstacle, vm, attach)


def _unlike(lab: Lab, spec: MachineSpec, vm: VmFacts) -> Obstacle | None:
    """What no setting can repair."""
    system, data = vm.system_disk, vm.data_disk
    if vm.generation != 2:
        return Obstacle(f"it is a generation {vm.generation} VM", made_anew(lab, spec.name))
    if system and system.kind == "discarded":
        # All of them, when it was lab.discard: installing one would begin on the condemned disks of the others.
        command = f"inv os.reinstall --machine {spec.name}; if lab.discard was cut off: inv lab.discard"
        return Obstacle("its system disk was being discarded when that was cut off", command, ends_by_reset=True)
    if system and system.size_bytes not in (None, spec.system_disk_bytes):
        found = (system.size_bytes or 0) / GB
        text = f"its system disk has {found:g} GB, not {spec.system_disk_bytes / GB:g}"
        return Obstacle(text, installed_anew(lab, spec.name), ends_by_reset=True)
    if data and data.size_bytes not in (None, spec.data_disk_bytes) and spec.data_disk_bytes:
        found = (data.size_bytes or 0) / GB
        text = f"its data disk has {found:g} GB, not {spec.data_disk_bytes / GB:g}"
        away = f"inv hyperv.destroy --machine {spec.name}, remove {data.path} and {data.path}.lab.json on {spec.host}"
        return Obstacle(text, f"set data_disk_gb: {found:g}; without what is stored: {away}, then inv lab.up")
    return None


def _state_obstacle(spec: MachineSpec, vm: VmFacts, changes: tuple[Change, ...]) -> Obstacle | None:
    if vm.state not in ("Off", "Running"):
        command = f"inv hyperv.start --machine {spec.name}, then repeat"
        return Obstacle(f"it is {vm.state}, and differs", command, ends_by_reset=True)
    blocked = [change.text for change in changes if change.needs_off]
    if blocked and not vm.is_off:
        text = f"it runs, and must be off for: {'; '.join(blocked)}"
        command = f"inv hyperv.stop --machine {spec.name} hyperv.create, then inv lab.up"
        return Obstacle(text, command, ends_by_reset=True)
    return None
