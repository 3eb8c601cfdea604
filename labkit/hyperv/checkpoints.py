"""Checkpoints of the whole lab: taken of machines that are off, restored together, data disks never part of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import ConfigError, LabError, MissingError, RefusedError
from labkit.hyperv.discard import forgetting, refuse_merging
from labkit.hyperv.findings import Facts, answering

if TYPE_CHECKING:
    from labkit.hyperv.facts import HostFacts, VmFacts
    from labkit.session import Session

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Place:
    """A machine's VM on its host. `apart`: its data disk, which no checkpoint may hold, in the VM or left out of it."""

    machine: str
    host: str
    vm: VmFacts
    apart: tuple[str, ...]

    @property
    def is_unfinished(self) -> bool:
        """Whether a call was cut off: disks of no checkpoint still lie in layers, or the data disk was left out."""
        return self.vm.is_merging or (bool(self.apart) and self.vm.data_disk is None)


def checked(name: str) -> str:
    """The name for a new checkpoint as given; ConfigError when it is none (Hyper-V takes names for patterns)."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for a checkpoint: letters, digits, dots, dashes and underscores, 60 at most",
            "give --name, such as --name before-upgrade; `inv hyperv.checkpoints` lists those that are there",
        )
    return name


def given(name: str) -> str:
    """The name of a checkpoint that is there, whoever gave it; ConfigError for ''."""
    if not name:
        raise ConfigError("which checkpoint?", "give --name; `inv hyperv.checkpoints` lists those that are there")
    return name


def take(session: Session, name: str) -> list[str]:
    """Take a checkpoint of every machine; return the names of those that got one.

    Raises MissingError when a machine has no VM, RefusedError when one is not off or the name is taken: a checkpoint
    of a lab is of one moment.
    """
    places = _all(session)
    running = [place.machine for place in places if not place.vm.is_off]
    if running:
        raise RefusedError(
            f"not off: {', '.join(running)}; a checkpoint of the whole lab is taken of machines that are off",
            f"inv lab.stop hyperv.checkpoint --name {name} lab.start",
        )
    taken = [place.machine for place in places if place.vm.checkpoints_named(name)]
    if taken:
        raise RefusedError(f"there is a checkpoint {name} already, of {', '.join(taken)}", forgetting(name))
    refuse_merging([place.vm for place in places])
    try:
        return _run(session, "New-LabCheckpoint", name, places)
    except LabError as error:
        # Of one moment or none: it is not completed by a second try, before which machines may have run.
        hint = f"not every machine has it: {forgetting(name)}, then take it again"
        raise type(error)(error.problems, hint) from error


def find(session: Session, name: str) -> list[Place]:
    """The machines that a restore takes back, by a fresh look.

    Raises MissingError when not every machine has exactly one checkpoint of that name: part of a lab is never restored;
    RefusedError when one holds a data disk: those are never rolled back.
    """
    places = _all(session)
    without = [place.machine for place in places if len(place.vm.checkpoints_named(name)) != 1]
    if without:
        raise MissingError(f"no checkpoint {name} of {', '.join(without)}", "inv hyperv.checkpoints")
    with_data = [p.machine for p in places if any(one.holds_data for one in p.vm.checkpoints_named(name))]
    if with_data:
        raise RefusedError(
            f"the checkpoint {name} of {', '.join(with_data)} holds the data disk, which would be rolled back: "
            "it was not taken by `inv hyperv.checkpoint`",
            forgetting(name),
        )
    return places


def describe(places: Iterable[Place]) -> list[str]:
    """What a restore throws away, a line a machine."""
    return [
        f"{place.machine} on {place.host}: what its system disk holds since then"
        + ("" if place.vm.is_off else f"; VM {place.vm.name} ({place.vm.id}) is stopped")
        for place in places
    ]


def restore(session: Session, name: str, places: Iterable[Place]) -> list[str]:
    """Take exactly these machines back; they are off afterwards. Return their names."""
    return _run(session, "Restore-LabCheckpoint", name, places)


def forget(session: Session, name: str) -> list[str]:
    """Remove the checkpoint wherever it is and wait for the merges; return the machines that had it.

    Finishes what was cut off as well: merges that are still going on, data disks that were left out.
    """
    places = _places(session)
    having = [place.machine for place in places if place.vm.checkpoints_named(name)]
    concerned = [place for place in places if place.machine in having or place.is_unfinished]
    _run(session, "Remove-LabCheckpoint", name, concerned)
    return having


def listed(facts: Facts) -> dict[str, list[str]]:
    """Every checkpoint of the lab, oldest first, and the machines that have it."""
    found: dict[str, list[str]] = {}
    times: dict[str, str] = {}
    for here in facts.values():
        for machine, vm in here.machines.items():
            for one in vm.checkpoints:
                found.setdefault(one.name, []).append(machine)
                times[one.name] = min(one.time, times.get(one.name, one.time))
    return {name: found[name] for name in sorted(found, key=lambda name: times[name])}


def _places(session: Session) -> list[Place]:
    facts = answering(session.hosts.read(fresh=True))
    return [
        Place(name, host, vm, _apart(here, name, vm))
        for host, here in facts.items()
        for name, vm in here.machines.items()
    ]


def _apart(here: HostFacts, machine: str, vm: VmFacts) -> tuple[str, ...]:
    """The machine's data disk; the one that an interrupted call left out of its VM belongs in it as well."""
    if vm.data_disk:
        return (vm.data_disk.path,)
    left_out = here.loose_disks(machine, "data")
    return (left_out[0].path,) if len(left_out) == 1 else ()


def _all(session: Session) -> list[Place]:
    """Every machine described, with its VM; MissingError when one has none."""
    places = {place.machine: place for place in _places(session)}
    names = [machine.name for machine in session.lab.machines]
    absent = [name for name in names if name not in places]
    if absent:
        raise MissingError(f"no VM for {', '.join(absent)}", "inv hyperv.create")
    return [places[name] for name in names]


def _run(session: Session, script: str, name: str, places: Iterable[Place]) -> list[str]:
    parameters: dict[str, dict[str, Any]] = {}
    for place in places:
        call = parameters.setdefault(place.host, {"Lab": session.lab.name, "Name": name, "Machine": []})
        call["Machine"].append({"name": place.machine, "id": place.vm.id, "apart": list(place.apart)})
    answers = session.hosts.run(script, parameters) if parameters else {}
    rows = [row for answer in answers.values() for row in answer["machines"]]
    return [row["name"] for row in rows if row["changed"]]
