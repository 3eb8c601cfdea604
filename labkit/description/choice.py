"""Which machines a `--machine` means."""

from __future__ import annotations

from labkit.description.lab import Lab, Machine
from labkit.errors import MissingError


def chosen(lab: Lab, name: str) -> tuple[Machine, ...]:
    """The machine of that name, or every machine for ''. Raises MissingError, with the names there are."""
    if not name:
        return lab.machines
    found = tuple(machine for machine in lab.machines if machine.name == name)
    if not found:
        names = ", ".join(machine.name for machine in lab.machines)
        raise MissingError(f"there is no machine {name!r} in {lab.source.name}", f"name one of: {names}")
    return found
