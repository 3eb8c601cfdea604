"""Fresh blank system disks: what `lab.discard` and `os.reinstall` do on the hosts. Data disks are never touched."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import RefusedError
from labkit.hyperv.findings import answering
from labkit.hyperv.specs import MachineSpec, disk_mark, machine_spec

if TYPE_CHECKING:
    from labkit.description.lab import Lab
    from labkit.hyperv.facts import DiskFacts, HostFacts, VmFacts
    from labkit.hyperv.findings import Facts
    from labkit.session import Session


@dataclass(frozen=True)
class Reset:
    """One machine's system disks to discard, and its VM (None: only disks are left) that gets a fresh one."""

    machine: str
    host: str
    vm: VmFacts | None
    disks: tuple[DiskFacts, ...]

    def __str__(self) -> str:
        """What is lost, in a line."""
        disks = ", ".join(disk.path for disk in self.disks)
        power = f", VM {self.vm.name} is powered off" if self.vm and not self.vm.is_off else ""
        return f"{self.machine} on {self.host}: {disks}{power}"


def find(session: Session, machines: Iterable[str]) -> list[Reset]:
    """What a reset of these machines would discard, by a fresh look; machines without disks are left out.

    Raises RefusedError, naming all, when one has checkpoints: its disks could not be told apart for sure.
    """
    wanted = resets(session.lab, answering(session.hosts.read(fresh=True)), machines)
    refuse_checkpoints([reset.vm for reset in wanted if reset.vm])
    return wanted


def resets(lab: Lab, facts: Facts, machines: Iterable[str]) -> list[Reset]:
    """As `find`, of facts that were read already, and refusing nothing. Pure."""
    found = [_reset(lab, facts[lab.machine(name).host], name) for name in machines]
    return [one for one in found if one.disks]


def describe(wanted: Iterable[Reset]) -> list[str]:
    """What a reset would destroy, a line a machine."""
    return [str(one) for one in wanted]


def _reset(lab: Lab, here: HostFacts, machine: str) -> Reset:
    vm = here.machines.get(machine)
    marked = [disk for disk in here.disks if disk.machine == machine and disk.kind in ("system", "discarded")]
    disks = {disk.path.lower(): disk for disk in marked}
    if vm and vm.system_disk:
        disks.setdefault(vm.system_disk.path.lower(), vm.system_disk)
    return Reset(machine, here.host, vm, tuple(disks.values()))


def refuse_checkpoints(vms: Iterable[VmFacts]) -> None:
    """Raise RefusedError naming the VMs that have checkpoints, or whose disks are still being merged after one."""
    wanted = list(vms)
    held = [vm for vm in wanted if vm.checkpoints]
    if held:
        names = dict.fromkeys(one.name for vm in held for one in vm.checkpoints)
        raise RefusedError(
            f"{', '.join(vm.name for vm in held)}: checkpoints are there, whose disks build on each other",
            "\nhint: ".join(forgetting(name) for name in names),
        )
    refuse_merging(wanted)


def refuse_merging(vms: Iterable[VmFacts]) -> None:
    """Raise RefusedError naming the VMs whose disks are still being merged."""
    merging = [vm.name for vm in vms if vm.is_merging]
    if merging:
        raise RefusedError(
            f"{', '.join(merging)}: a checkpoint was removed, and its disks are still being merged",
            "wait until `inv hyperv.status` does not say merging any more, then repeat",
        )


def forgetting(name: str) -> str:
    """The command that removes a checkpoint; one that was made by hand may have spaces in its name."""
    return f"inv hyperv.forget --name {name}" if " " not in name else f'inv hyperv.forget --name "{name}"'


def reset(session: Session, wanted: Sequence[Reset]) -> list[str]:
    """Power off, discard and make blank, on exactly the VMs and disks of `wanted`; return the machines' names."""
    parameters: dict[str, dict[str, Any]] = {}
    for one in wanted:
        spec = machine_spec(session.lab, session.lab.machine(one.machine))
        call = parameters.setdefault(one.host, {"Lab": session.lab.name, "Machine": []})
        call["Machine"].append(_request(spec, one))
    if parameters:
        session.hosts.run("Reset-LabMachine", parameters)
    return [one.machine for one in wanted]


def _request(spec: MachineSpec, one: Reset) -> dict[str, Any]:
    fresh = secrets.token_hex(4)
    disk = {
        "path": spec.disk_path("system", fresh),
        "size_bytes": spec.system_disk_bytes,
        "mark": disk_mark(spec.lab, spec.name, fresh, "system"),
    }
    return {
        "name": one.machine,
        "id": one.vm.id if one.vm else "",
        "folder": spec.folder,
        "discard": [
            {"path": old.path, "mark": disk_mark(spec.lab, spec.name, old.id, "discarded")} for old in one.disks
        ],
        "disk": disk if one.vm else None,
    }
