"""Checkpoints of the whole lab: taken of machines that are off, restored together, data disks never part of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from labkit.errors import ConfigError, MissingError, RefusedError
from labkit.hyperv.findings import Facts, answering

if TYPE_CHECKING:
    from labkit.hyperv.facts import VmFacts
    from labkit.session import Session

    Place = tuple[str, str, VmFacts]  # machine, host, VM

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


def checked(name: str) -> str:
    """The name of a checkpoint as given; ConfigError when it is none (Hyper-V takes names for patterns)."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for a checkpoint: letters, digits, dots, dashes and underscores, 60 at most",
            "give --name, such as --name before-upgrade; `inv hyperv.checkpoints` lists those that are there",
        )
    return name


def take(session: Session, name: str) -> list[str]:
    """Take a checkpoint of every machine; return the names of those that got one.

    Raises MissingError when a machine has no VM, RefusedError when one is not off or the name is taken: a checkpoint
    of a lab is of one moment.
    """
    places = _all(session)
    running = [machine for machine, _, vm in places if not vm.is_off]
    if running:
        raise RefusedError(
            f"not off: {', '.join(running)}; a checkpoint of the whole lab is taken of machines that are off",
            f"inv lab.stop hyperv.checkpoint --name {name} lab.start",
        )
    taken = [machine for machine, _, vm in places if name in vm.checkpoints]
    if taken:
        raise RefusedError(
            f"there is a checkpoint {name} already, of {', '.join(taken)}", f"inv hyperv.forget --name {name}"
        )
    return _run(session, "New-LabCheckpoint", name, places)


def find(session: Session, name: str) -> list[Place]:
    """The machines that a restore takes back, by a fresh look.

    Raises MissingError when not every machine has exactly one checkpoint of that name: part of a lab is never restored.
    """
    places = _all(session)
    without = [machine for machine, _, vm in places if vm.checkpoints.count(name) != 1]
    if without:
        raise MissingError(f"no checkpoint {name} of {', '.join(without)}", "inv hyperv.checkpoints")
    return places


def describe(places: Iterable[Place]) -> list[str]:
    """What a restore throws away, a line a machine."""
    return [
        f"{machine} on {host}: what its system disk holds since then"
        + ("" if vm.is_off else f"; VM {vm.name} ({vm.id}) is stopped")
        for machine, host, vm in places
    ]


def restore(session: Session, name: str, places: Iterable[Place]) -> list[str]:
    """Take exactly these machines back; they are off afterwards. Return their names."""
    return _run(session, "Restore-LabCheckpoint", name, places)


def forget(session: Session, name: str) -> list[str]:
    """Remove the checkpoint wherever it is and wait for the merges; return the machines that had it."""
    having = [place for place in _places(session) if name in place[2].checkpoints]
    return _run(session, "Remove-LabCheckpoint", name, having)


def listed(facts: Facts) -> dict[str, list[str]]:
    """Every checkpoint of the lab and the machines that have it."""
    found: dict[str, list[str]] = {}
    for here in facts.values():
        for machine, vm in here.machines.items():
            for name in vm.checkpoints:
                found.setdefault(name, []).append(machine)
    return found


def _places(session: Session) -> list[Place]:
    facts = answering(session.hosts.read(fresh=True))
    return [(name, host, vm) for host, here in facts.items() for name, vm in here.machines.items()]


def _all(session: Session) -> list[Place]:
    """Every machine described, with its VM; MissingError when one has none."""
    places = {machine: (machine, host, vm) for machine, host, vm in _places(session)}
    names = [machine.name for machine in session.lab.machines]
    absent = [name for name in names if name not in places]
    if absent:
        raise MissingError(f"no VM for {', '.join(absent)}", "inv hyperv.create")
    return [places[name] for name in names]


def _run(session: Session, script: str, name: str, places: Iterable[Place]) -> list[str]:
    parameters: dict[str, dict[str, Any]] = {}
    for machine, host, vm in places:
        call = parameters.setdefault(host, {"Lab": session.lab.name, "Name": name, "Machine": []})
        apart = [vm.data_disk.path] if vm.data_disk else []
        call["Machine"].append({"name": machine, "id": vm.id, "apart": apart})
    answers = session.hosts.run(script, parameters) if parameters else {}
    rows = [row for answer in answers.values() for row in answer["machines"]]
    return [row["name"] for row in rows if row["changed"]]
