"""One worker at a time: taken out of the cluster to be made anew, or let in that was described since."""

from __future__ import annotations

import json
from typing import Any

from labkit import consent
from labkit.cluster import kubectl
from labkit.errors import LabError, MissingError, RefusedError, UnreachableError
from labkit.lab import Machine
from labkit.machines.choice import chosen
from labkit.session import Session

DRAIN_S = 120


def replace(s: Session, name: str, *, dry: bool) -> bool:
    """Take worker `name` out of the cluster and make its system disk blank, after consent; return whether it was done.

    Its pods are evicted first, as long as its kubelet can end them. What comes after, the walk of k8s.join, installs it
    and lets it join. Raises MissingError without a machine of that name or a cluster, RefusedError for one that is more
    than a worker.
    """
    from labkit.hyperv import discard

    machine = worker(s, name)
    node = _node(s, machine)
    resets = discard.find(s, [name])
    what = discard.describe(resets)
    if node:
        what.append(f"node {name}: it is drained, its pods start elsewhere, and what they kept on it is lost")
    if not consent.require(s, what, s.command, dry=dry):
        return False
    if node:
        _drain(s, name, is_ready=_is_ready(node))
        kubectl.run(s, "delete", "node", name, "--ignore-not-found", "--wait=false")
    discard.reset(s, resets)
    s.machines.forget(machine)
    return True


def add(s: Session, name: str) -> None:
    """See that worker `name` is described and no member yet; the walk of k8s.join does the rest.

    Raises MissingError for one that is not described, with the line that would describe it; RefusedError for a member,
    or for one that is more than a worker.
    """
    if name not in [machine.name for machine in s.lab.machines]:
        raise MissingError(
            f"{s.lab.source.name} describes no machine {name!r}",
            f"add it to `machines` there, such as `- {_described(s, name)}`, then repeat",
        )
    if _node(s, worker(s, name)):
        raise RefusedError(f"{name} is a node of the cluster already", f"inv k8s.replace --machine {name}")


def worker(s: Session, name: str) -> Machine:
    """The machine of that name, which has to be a worker and nothing else."""
    if not name:
        raise MissingError("which machine? None was named", f"give --machine, such as `{s.command} --machine w2`")
    (machine,) = chosen(s.lab, name)
    if tuple(machine.roles) == ("worker",):
        return machine
    others = " and ".join(role for role in machine.roles if role != "worker")
    instead = {
        s.lab.bootstrap.name: f"inv os.reinstall --machine {name}",
        s.lab.control_plane.name: "inv k8s.reset, then inv k8s.all; or inv lab.rebuild",
    }
    again = f"inv os.reinstall --machine {name}, then inv lab.up"
    raise RefusedError(f"{name} is {others}, and more hangs on it than its pods", instead.get(name, again))


def _described(s: Session, name: str) -> str:
    """The line of invoke.yaml for one more worker: like the last one, with the next free number."""
    like = s.lab.workers[-1]
    number = max(machine.number for machine in s.lab.machines) + 1
    return (
        f"{{name: {name}, number: {number}, host: {like.host}, roles: [worker], cpus: {like.cpus},"
        f" memory_mb: {like.memory_mb}, disk_gb: {like.disk_gb}}}"
    )


def _node(s: Session, machine: Machine) -> dict[str, Any] | None:
    """The machine's Node; MissingError when there is no cluster, UnreachableError when it does not answer."""
    if not kubectl.has_cluster(s):
        raise MissingError(f"{s.lab.control_plane.name} is no control plane yet", "`inv k8s.all` makes the cluster")
    name = machine.name
    try:
        text = kubectl.run(s, "get", "node", name, "--ignore-not-found", "--output=json")
    except LabError as error:
        raise UnreachableError(
            f"the cluster does not answer, so it cannot be asked about {name}: {error.problem}",
            f"`inv k8s.status`; without the cluster's help: `inv os.reinstall --machine {name}`, then `inv k8s.join`",
        ) from None
    node: dict[str, Any] | None = json.loads(text) if text.strip() else None
    return node


def _is_ready(node: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions", []))


def _drain(s: Session, name: str, *, is_ready: bool) -> None:
    """Evict the node's pods. A kubelet that says nothing ends none: those go with their Node, and nobody waits."""
    if not is_ready:
        s.console.print(f"    {name} is not Ready: its pods are not waited for")
        kubectl.run(s, "cordon", name)
        return
    words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", f"--timeout={DRAIN_S}s"]
    try:
        kubectl.run(s, "drain", name, *words, timeout_s=DRAIN_S + kubectl.TIMEOUT_S)
    except LabError as error:
        s.console.print(
            f"    {name} was not drained in {DRAIN_S} s, its pods go with it: {error.problem}", markup=False
        )
