"""Make what the description names: `hyperv.create`.

One read (shared with `hyperv.check`) and at most one write a host. Creates what is missing, attaches disks that
survived, makes missing ones blank, repairs what can be repaired without stopping anything; refuses the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from labkit.controller.keys import pinned_disks
from labkit.description.lab import mac_address
from labkit.errors import RefusedError
from labkit.hyperv import drift
from labkit.hyperv.check import check
from labkit.hyperv.findings import answering
from labkit.hyperv.specs import SECURE_BOOT_TEMPLATE, DiskKind, MachineSpec, disk_mark, specs
from labkit.transport.winrm import DroppedError

if TYPE_CHECKING:
    from labkit.hyperv.drift import MachinePlan, Plan
    from labkit.hyperv.facts import VmFacts
    from labkit.session import Session


def create(session: Session) -> dict[str, tuple[str, ...]]:
    """Converge the hosts; return for each machine what was done, empty when nothing.

    Raises RefusedError before anything is changed when a rule of `hyperv.check` fails or a machine differs in a way
    that only stopping, replacing or destroying could repair.
    """
    plan = drift.plan(session.lab, check(session))
    refuse_installed(session, plan)
    refuse(plan)
    done: dict[str, tuple[str, ...]] = {machine.name: () for machine in session.lab.machines}
    if not plan.work:
        return done
    try:
        answers = session.hosts.run("New-LabMachine", requests(session, plan))
    except DroppedError:
        # The host may have done it all: what is there decides.
        if drift.plan(session.lab, check(session)).work:
            raise
        session.journal.note("hyperv.create", "the connection was lost; the state read afterwards is the wanted one")
        return done | {machine.name: machine.steps for machine in plan.work}
    for answer in answers.values():
        done |= {machine["name"]: tuple(machine["changed"]) for machine in answer["machines"]}
    return done


def missing(session: Session) -> str | None:
    """One sentence naming what `hyperv.create` would have to do, or refuses for; None when there is nothing."""
    plan = drift.plan(session.lab, answering(session.hosts.read()))
    try:
        refuse_installed(session, plan)
    except RefusedError as error:
        return error.problem
    open_work = [machine for machine in plan.machines if machine.changes and machine.action != "destroy"]
    if not open_work:
        return None
    first = open_work[0]
    more = f" (and {len(open_work) - 1} more)" if len(open_work) > 1 else ""
    return f"machine {first.name} on {first.host}: {first.changes[0].text}{more}"


def refuse(plan: Plan) -> None:
    """Raise RefusedError naming every machine that must not be repaired in passing, and the command for each."""
    if plan.refused:
        told = [(m.name, m.host, m.obstacle) for m in plan.refused if m.obstacle]
        raise RefusedError(
            (f"machine {name} on {host}: {obstacle.text}" for name, host, obstacle in told),
            (f"{name}: {obstacle.command}" for name, _, obstacle in told),
        )


def refuse_installed(session: Session, plan: Plan, going: Collection[str] = ()) -> None:
    """Raise RefusedError where a MAC, or the address in MGMT, is described anew under a system that was installed.

    That system knows its adapters by their MACs, and has the addresses that it was installed with: with others it would
    not be found. What was set on a VM by hand is no MAC of this lab's, and is put right. Machines in `going` lose their
    systems.
    """
    lab, told = session.lab, []
    for spec in specs(lab):
        vm = next((machine.vm for machine in plan.machines if machine.name == spec.name), None)
        if vm and vm.system_disk and spec.name not in going:
            told += [(spec.name, what) for what in _installed_with(session, spec, vm, vm.system_disk.id)]
    if told:
        machines = dict.fromkeys(name for name, _ in told)
        raise RefusedError(
            [f"{name} was installed with {what}; nothing was changed" for name, what in told],
            [f"{name}: {drift.installed_anew(lab, name)}" for name in machines],
        )


def _installed_with(session: Session, spec: MachineSpec, vm: VmFacts, disk: str) -> Iterator[str]:
    """What the system on the machine's disk was installed with and is described otherwise; nothing of a blank one."""
    lab, machine = session.lab, session.lab.machine(spec.name)
    known = [address for address, one in pinned_disks(session.state).items() if one == disk]
    says, address = f"{lab.source.name} says", str(machine.mgmt.address)
    mark = mac_address(lab.id, lab.mgmt, 0).replace(":", "").upper()[:6]
    for adapter in spec.adapters:
        found = vm.adapter(adapter.name)
        if known and found and found.mac != adapter.mac and found.mac.startswith(mark) and not found.dynamic_mac:
            yield f"the MAC {found.mac} of {adapter.name}, {says} {adapter.mac}"
    if machine is not lab.bootstrap and known and address not in known:  # that one is entered at its EXTERNAL address
        yield f"the MGMT address {', '.join(known)}, {says} {address}"


def requests(session: Session, plan: Plan) -> dict[str, dict[str, Any]]:
    """New-LabMachine's parameters for each host that has something to do."""
    by_name = {spec.name: spec for spec in specs(session.lab)}
    hosts = dict.fromkeys(machine.host for machine in plan.work)
    return {
        host: {
            "Lab": session.lab.name,
            "Machine": [_request(by_name[m.name], m) for m in plan.work if m.host == host],
        }
        for host in hosts
    }


def _request(spec: MachineSpec, plan: MachinePlan) -> dict[str, Any]:
    return {
        "name": spec.name,
        "vm_name": spec.vm_name,
        "notes": spec.notes,
        "id": plan.vm.id if plan.vm else "",
        "folder": spec.folder,
        "do": list(plan.steps),
        "cpus": spec.cpus,
        "memory_bytes": spec.memory_bytes,
        "template": SECURE_BOOT_TEMPLATE,
        "adapters": [
            {
                "name": adapter.name,
                "mac": adapter.mac,
                "switch": adapter.switch,
                "vlan": adapter.vlan or 0,
                "guard": adapter.is_guarded,
            }
            for adapter in spec.adapters
        ],
        "disks": _disks(spec, plan),
        "dvd": spec.dvd,
    }


def _disks(spec: MachineSpec, plan: MachinePlan) -> list[dict[str, Any]]:
    """The machine's disks: those it has, those that survived, and fresh ids for those to be made."""
    vm, loose = plan.vm, plan.attach or {}
    sizes: dict[DiskKind, int | None] = {"system": spec.system_disk_bytes, "data": spec.data_disk_bytes}
    has = {"system": vm and vm.system_disk, "data": vm and vm.data_disk}
    disks = []
    for kind, size in sizes.items():
        if size is None:
            continue
        disk = has[kind] or loose.get(kind)
        disk_id = disk.id if disk else secrets.token_hex(4)
        mark = "" if disk and disk.marked else disk_mark(spec.lab, spec.name, disk_id, kind)
        path = disk.path if disk else spec.disk_path(kind, disk_id)
        disks.append({"kind": kind, "path": path, "size_bytes": size, "mark": mark})
    return disks
