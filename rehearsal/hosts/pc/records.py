"""Small things of the PC that are kept by key: users, listeners, registry values, services."""

from __future__ import annotations

from rehearsal.hosts import outage
from rehearsal.hosts.state import HostState, Json


def put(pc: HostState, which: str, key: str, values: Json) -> None:
    """Set values of one entry, which is made when it is not there."""
    with outage.change(pc) as state:
        state.setdefault(which, {}).setdefault(key, {}).update(values)


def remove(pc: HostState, which: str, key: str) -> None:
    """Take one entry away, if it is there."""
    with outage.change(pc) as state:
        state.get(which, {}).pop(key, None)


def set_value(pc: HostState, which: str, values: Json) -> None:
    """Set plain values: in a table of the state, or ('') of the PC itself."""
    with outage.change(pc) as state:
        (state.setdefault(which, {}) if which else state).update(values)
