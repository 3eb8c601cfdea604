"""Removing machines: their VMs and system disks. Data disks stay, and so do their marks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.hyperv.discard import refuse_checkpoints
from labkit.hyperv.findings import answering
from labkit.hyperv.specs import folder_of

if TYPE_CHECKING:
    from labkit.hyperv.facts import DiskFacts, HostFacts, VmFacts
    from labkit.session import Session


@dataclass(frozen=True)
class Removal:
    """A machine's VM on a host (None: gone already) and the system disks that go with it."""

    machine: str
    host: str
    vm: VmFacts | None
    disks: tuple[DiskFacts, ...]

    def __str__(self) -> str:
        """What is lost, in a line."""
        vm = f"VM {self.vm.name} ({self.vm.state}, {self.vm.id})" if self.vm else "no VM"
        disks = ", ".join(disk.path for disk in self.disks) or "no disk"
        return f"{self.machine} on {self.host}: {vm}; {disks}"


def find(session: Session, machines: Collection[str] | None = None) -> list[Removal]:
    """What of this lab is on the hosts, described or not; only the machines named when `machines` is given.

    Raises RefusedError when one has checkpoints.
    """
    facts = answering(session.hosts.read(fresh=True))
    removals = [removal for here in facts.values() for removal in _on(here)]
    wanted = [removal for removal in removals if machines is None or removal.machine in machines]
    refuse_checkpoints([removal.vm for removal in wanted if removal.vm])
    return wanted


def describe(removals: Iterable[Removal]) -> list[str]:
    """What a removal would destroy, a line each."""
    return [str(one) for one in removals]


def _on(here: HostFacts) -> list[Removal]:
    vms = [*here.machines.values(), *here.duplicates]
    removals = [Removal(str(vm.machine), here.host, vm, (vm.system_disk,) if vm.system_disk else ()) for vm in vms]
    attached = {drive.base for vm in (*vms, *here.foreign) for drive in vm.drives}
    loose = [d for d in here.disks if d.kind in ("system", "discarded") and d.path.lower() not in attached]
    machines = dict.fromkeys(disk.machine for disk in loose)
    return removals + [
        Removal(machine, here.host, None, tuple(disk for disk in loose if disk.machine == machine))
        for machine in machines
    ]


def remove(session: Session, removals: Sequence[Removal]) -> list[str]:
    """Power off and remove exactly these VMs, then exactly these disks; return the machines' names."""
    parameters: dict[str, dict[str, Any]] = {}
    for one in removals:
        call = parameters.setdefault(one.host, {"Lab": session.lab.name, "Machine": []})
        call["Machine"].append(
            {
                "name": one.machine,
                "id": one.vm.id if one.vm else "",
                "folder": folder_of(session.lab, one.machine),
                "delete": [disk.path for disk in one.disks],
            }
        )
    if parameters:
        session.hosts.run("Remove-LabMachine", parameters)
    return list(dict.fromkeys(one.machine for one in removals))
