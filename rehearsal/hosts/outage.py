"""A power failure on purpose: the PC makes some changes more and then none.

`state["power_fails_after"]` is how many: 0 lets the next one fail, below zero the power is off. Whatever the script was
doing then ends without a word, and its answer never comes; the endpoint is away until the PC has started again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.hosts.pc import prices
from rehearsal.hosts.state import HostState, Json

KEY = "power_fails_after"


class PowerFailsError(Exception):
    """Here the PC stops."""


@contextmanager
def change(pc: HostState) -> Iterator[Json]:
    """Change the state as Hyper-V does; PowerFailsError, and no change, when it is one too many."""
    is_off = False
    prices.charge(pc.folder, "change something")
    with pc.change() as state:
        before = copy.deepcopy(state) if KEY in state else None
        yield state
        if before is not None and state != before:
            state[KEY] -= 1
            is_off = state[KEY] < 0
            if is_off:
                state.clear()
                state.update(before | {KEY: -1})
    if is_off:
        raise PowerFailsError(pc.host)


def before_files(pc: HostState) -> None:
    """Call this before a change that is made to files: it may be the one at which the power fails."""
    prices.charge(pc.folder, "change something")
    with pc.change() as state:
        if KEY not in state:
            return
        state[KEY] -= 1
        is_off = state[KEY] < 0
    if is_off:
        raise PowerFailsError(pc.host)


def fails_at_first(pc: HostState, cmdlet: str) -> bool:
    """Whether this try is one of the first, which fail: `state["fails_at_first"]` counts them down by cmdlet."""
    left: int = pc.read().get("fails_at_first", {}).get(cmdlet, 0)
    if left:
        with pc.change() as state:
            state["fails_at_first"][cmdlet] = left - 1
    return left > 0


def over(pc: HostState) -> bool:
    """Tell whether the power has failed, and if so give it back."""
    if pc.read().get(KEY, 0) >= 0:
        return False
    with pc.change() as state:
        del state[KEY]
    return True
