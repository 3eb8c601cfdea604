"""The stages, one line each: how each is looked at, and which playbook does it where Ansible does.

From this table follow the executor's probes, the plan, Ansible's runs and their dry runs. A look reads for some
seconds at most and changes nothing. Only stages that nobody named are looked at; `labkit.line.executor` says when.

What does a stage stands above this package: the table has it by its module's name, and imports it when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from labkit.errors import DeadlineError, MissingError, UnreachableError
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.description.lab import Lab, Machine

Look = Callable[[Session], str | None]
Machines = Callable[["Lab"], tuple["Machine", ...]]


def _nowhere(lab: Lab) -> tuple[Machine, ...]:
    return ()


@dataclass(frozen=True)
class Stage:
    """A stage by the name that is typed.

    `look` returns None when it has nothing to do, else one sentence that says what is missing. `playbook` is what
    Ansible runs for it, "" for other stages; `machines` are those whose state tells whether it is done: none where
    the lab is described without it.
    """

    name: str
    look: Look
    playbook: str = ""
    machines: Machines = _nowhere


def _look(module: str, *more: str) -> Look:
    """The function `missing` of a module, imported when it is asked."""

    def look(session: Session) -> str | None:
        answer: str | None = import_module(module).missing(session, *more)
        return answer

    return look


def _own(name: str, module: str) -> Stage:
    return Stage(name, _look(module))


def _ansible(name: str, playbook: str, machines: Machines) -> Stage:
    return Stage(name, _look("labkit.k8s.stages", name), playbook, machines)


def _control_plane(lab: Lab) -> tuple[Machine, ...]:
    return (lab.control_plane,)


def _pod_network(lab: Lab) -> tuple[Machine, ...]:
    """None where the user installs one himself."""
    return () if lab.kubernetes.cni == "none" else _control_plane(lab)


def _storage(lab: Lab) -> tuple[Machine, ...]:
    return (lab.storage,) if lab.storage else ()


def _prepared(lab: Lab) -> tuple[Machine, ...]:
    return tuple(dict.fromkeys((*lab.nodes, *_storage(lab))))


STAGES = {
    stage.name: stage
    for stage in (
        _own("hyperv.create", "labkit.hyperv.create"),
        _own("os.bootstrap", "labkit.machines.bootstrap"),
        _own("pxe.setup", "labkit.pxe.setup"),
        _own("pxe.publish", "labkit.pxe.publish"),
        _own("os.install", "labkit.machines.install"),
        _ansible("k8s.bootstrap", "1-bootstrap.yml", lambda lab: (lab.bootstrap,)),
        _ansible("k8s.prepare", "2-prepare.yml", _prepared),
        _ansible("k8s.control-plane", "3-control-plane.yml", _control_plane),
        _ansible("k8s.cni", "cni.yml", _pod_network),
        _ansible("k8s.join", "4-join.yml", lambda lab: lab.workers),
        _ansible("k8s.load-balancer", "load-balancer.yml", lambda lab: _control_plane(lab) if lab.address_pool else ()),
        _ansible("nfs.server", "nfs-server.yml", _storage),
        _ansible("nfs.storage", "5-storage.yml", lambda lab: _control_plane(lab) if lab.storage else ()),
    )
}
PLAYBOOKS = {name: stage for name, stage in STAGES.items() if stage.playbook}
"""The stages that Ansible does, which can show what they would change."""


def preview(session: Session, names: Sequence[str]) -> None:
    """Print what these stages of Ansible's would change."""
    import_module("labkit.k8s.preview").show(session, names)


def refuse_changes(session: Session, names: Sequence[str]) -> None:
    """Raise, before any of these stages begins, what one of them refuses: to change a part of what lives."""
    if set(names) & set(PLAYBOOKS):
        import_module("labkit.k8s.changes").refuse_early(session)


def missing(session: Session, name: str) -> str | None:
    """What a stage still lacks, or None. What cannot be reached cannot be satisfied, so that is an answer too."""
    try:
        return STAGES[name].look(session)
    except (UnreachableError, MissingError, DeadlineError) as error:
        return error.problem
