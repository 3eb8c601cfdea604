"""k8s.replace: a worker leaves the cluster and gives its system away; joining, as `k8s.join` does it, brings it back.

The order is drained, powered off with a blank disk, forgotten. Were the Node object removed before the power, the
kubelet could register again, and a call cut off in between would leave a credential without a node, which joining
refuses. Cut off anywhere, the same call goes on: a system that went already is not thrown away a second time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit import obstacles
from labkit.description import choice
from labkit.description.lab import Machine
from labkit.errors import LabError, MissingError, RefusedError, UnreachableError
from labkit.k8s import changes, membership, nodes
from labkit.line import consent
from labkit.machines.survey import Place, Survey
from labkit.pxe import server
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.hyperv.discard import Reset

INSTEAD = {
    "bootstrap": (
        "is the bootstrap server, no node",
        "`inv os.reinstall --machine {name}`, then `inv lab.up`: no other machine is touched",
    ),
    "control_plane": ("carries the control plane, and with it the cluster", "`inv lab.rebuild` makes both anew"),
    "storage": (
        "serves what all pods store",
        "`inv os.reinstall --machine {name}`, then `inv k8s.all`: its data disk stays",
    ),
}
"""Of machines that are not replaced: why, and what is to be used instead."""


@dataclass(frozen=True)
class Replacement:
    """What goes: the machine's node (None: the cluster has none) and its system disks (none: they went before)."""

    machine: Machine
    node: nodes.Node | None
    resets: list[Reset]

    def describe(self) -> list[str]:
        from labkit.hyperv import discard

        return [*(nodes.describe(self.node) if self.node else []), *discard.describe(self.resets)]


def replace(session: Session, name: str, *, dry: bool) -> bool:
    """Take worker `name` out of the cluster and give it a blank system disk, after consent; whether that was done.

    Nothing is left to be done where an earlier call was cut off after that: what follows installs and joins it. With
    `dry` the list is shown and nothing else happens. Raises MissingError for a name that is none, RefusedError for a
    machine that is no plain worker and when the cluster does not answer, and whatever keeps a machine from being
    installed (`obstacles.check`); nothing was changed then.
    """
    from labkit.hyperv import discard

    going = find(session, worker(session, name))
    if not consent.require(session, going.describe(), session.command, dry=dry):
        return False
    if going.node:
        nodes.drain(session, going.node)
    discard.reset(session, going.resets)
    session.machines.forget(going.machine)
    if going.node:
        nodes.forget(session, name)
    return True


def worker(session: Session, name: str) -> Machine:
    """The machine of that name, which is a worker and nothing else; MissingError, RefusedError."""
    if not name:
        raise MissingError("which machine? None was named", "give --machine, such as `inv k8s.replace --machine w2`")
    (machine,) = choice.machines(session.lab, name)
    for role, (why, instead) in INSTEAD.items():
        if role in machine.roles:
            raise RefusedError(f"{name} {why}; it is not replaced", instead.format(name=name))
    return machine


def find(session: Session, machine: Machine) -> Replacement:
    """What a replacement would take away, once everything that it and what follows need has answered."""
    from labkit.hyperv import discard

    obstacles.check(session, [machine.name])
    node = _node(session, machine)
    changes.refuse_early(session, without=[machine.name])
    if _went_before(session, machine, node):
        session.console.print(f"{machine.name} holds no part of a cluster: its system stays, what follows joins it")
        return Replacement(machine, _dead(node), [])
    resets = discard.find(session, [machine.name])
    runs = any(one.vm and one.vm.state == "Running" for one in resets)
    return Replacement(machine, node if runs else _dead(node), resets)


def _dead(node: nodes.Node | None) -> nodes.Node | None:
    """The node of a machine that does not run: for 50 s its cluster still calls it Ready."""
    return dataclasses.replace(node, is_ready=False) if node else None


def _node(session: Session, machine: Machine) -> nodes.Node | None:
    """The machine's node; RefusedError when the cluster cannot be asked, UnreachableError for the way to it."""
    bootstrap, name = session.lab.bootstrap, machine.name
    if not session.machines.is_up(bootstrap):
        raise UnreachableError(
            f"{bootstrap.name} does not answer: nothing is installed without it", "`inv os.bootstrap`"
        )
    try:
        return nodes.find(session, name)
    except LabError as error:
        raise RefusedError(
            f"the cluster does not answer, so {name} cannot leave it: {error.problem}",
            f"without a cluster: `inv os.reinstall --machine {name}`, then `inv k8s.join`",
        ) from None


def _went_before(session: Session, machine: Machine, node: nodes.Node | None) -> bool:
    """Whether an earlier call took the system away: the disk was not installed yet, or the new system is no member.

    A machine of which the bootstrap server knows nothing may have been installed by another one: it counts as whole.
    """
    vm = session.hosts.read()[machine.host].machines.get(machine.name)
    if vm is None or vm.system_disk is None or vm.system_disk.kind != "system":
        return False
    place = Place(machine, vm.system_disk.id, vm.state == "Running")
    found = Survey([place], server.read_records(session.machines.bootstrap()))
    if not found.is_installed(place):
        return found.is_armed(place) or machine.name in found.records.installed
    if node is not None or not session.machines.is_up(machine):
        return False
    return all(part.is_only_left for parts in membership.held(session, [machine]).values() for part in parts)
