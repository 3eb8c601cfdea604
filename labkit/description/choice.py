"""Which machines a `--machine` means, and which hosts a `--host`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from labkit.description.lab import Host, Lab, Machine
from labkit.errors import MissingError

Named = TypeVar("Named", Host, Machine)


def machines(lab: Lab, name: str) -> tuple[Machine, ...]:
    """The machine of that name, or every machine for ''. Raises MissingError, with the names there are."""
    return _chosen(lab, "machine", lab.machines, name)


def names(lab: Lab, name: str) -> list[str]:
    """As `machines`, their names."""
    return [machine.name for machine in machines(lab, name)]


def hosts(lab: Lab, name: str) -> tuple[Host, ...]:
    """The host of that name, or every host for ''. Raises MissingError, with the names there are."""
    return _chosen(lab, "host", lab.hosts, name)


def _chosen(lab: Lab, kind: str, there: Sequence[Named], name: str) -> tuple[Named, ...]:
    found = tuple(one for one in there if name in ("", one.name))
    if not found:
        names = ", ".join(one.name for one in there)
        raise MissingError(f"there is no {kind} {name!r} in {lab.source.name}", f"name one of: {names}")
    return found
