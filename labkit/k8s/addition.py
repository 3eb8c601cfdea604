"""k8s.add: whether a machine may be added to the cluster. The stages that follow add it, as they repair any other.

A machine more is another description: other reservations for DHCP, other names in /etc/hosts, another inventory. Each
stage sees by itself that its own part of that is missing, so there is nothing here that acts.
"""

from __future__ import annotations

from labkit.description.lab import Lab, Machine
from labkit.description.models import LARGEST_NUMBER
from labkit.errors import LabError, MissingError, RefusedError
from labkit.k8s import changes, nodes
from labkit.session import Session


def check(session: Session, name: str) -> Machine:
    """The worker to add, which the description names and the cluster does not hold yet; nothing is changed.

    Raises MissingError, with the line to write, for a machine that is not described, and RefusedError for one that is
    a member, that is no plain worker, or when there is no cluster that answers.
    """
    lab = session.lab
    machine = next((one for one in lab.machines if one.name == name), None)
    if machine is None:
        raise _not_described(lab, name)
    if machine.roles != ("worker",):
        raise RefusedError(f"{name} is {', '.join(machine.roles)}, not a worker alone", "`inv lab.up` builds it")
    try:
        node = nodes.find(session, name)
    except LabError as error:
        raise RefusedError(
            f"the cluster does not answer, so nothing can be added to it: {error.problem}",
            f"`inv lab.up` builds whatever {lab.source.name} names, {name} among it",
        ) from None
    changes.refuse_early(session, without=[name])
    if node and node.is_ready:
        raise RefusedError(
            f"{name} is a member of the cluster already, and Ready",
            f"`inv k8s.join` repairs members, `inv k8s.replace --machine {name}` makes one anew",
        )
    return machine


def line(lab: Lab, name: str) -> str:
    """The line for lab.machines that describes another worker: the next number, the host with least on it."""
    taken = {machine.number for machine in lab.machines}
    following = (*range(max(taken) + 1, LARGEST_NUMBER + 1), *range(1, LARGEST_NUMBER + 1))
    number = next(one for one in following if one not in taken)
    host = min(lab.hosts, key=lambda one: sum(machine.memory_mb for machine in lab.on_host(one.name)))
    like = lab.workers[-1]
    return (
        f"- {{name: {name}, number: {number}, host: {host.name}, roles: [worker], cpus: {like.cpus},"
        f" memory_mb: {like.memory_mb}, disk_gb: {like.disk_gb}}}"
    )


def _not_described(lab: Lab, name: str) -> MissingError:
    what = f"{lab.source.name} describes no machine {name!r}" if name else "which machine? None was named"
    taken = {machine.name for machine in lab.machines}
    fresh = name or next(f"w{number}" for number in range(1, 100) if f"w{number}" not in taken)
    again = f"`inv k8s.add --machine {fresh}`"
    return MissingError(what, f"add to lab.machines there, then {again}: {line(lab, fresh)}")
