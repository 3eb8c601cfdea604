"""What a change of the description would do to a lab that lives, asked before anything is begun.

The stages converge what they made themselves. A cluster's own parts (`living`) and what the installer wrote (`outside`)
are nobody's to change in passing: a stage that would leave half of it as it was refuses, and names what makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from labkit.errors import DeadlineError, LabError, MissingError, RefusedError, UnreachableError, as_typed, together
from labkit.k8s import living, outside
from labkit.session import Session

STAGES = ("k8s.prepare", "k8s.control-plane", "k8s.cni", "k8s.join")
"""Those that would change a part of a living cluster. The first would also write new addresses beside old ones."""
KNOCK_S = 3.0


def refuse_stage(s: Session, name: str) -> None:
    """Raise RefusedError where stage `name` would half-change what lives. UnreachableError when that is silent."""
    if name in STAGES:
        living.refuse(s)
    if name == STAGES[0]:
        outside.refuse(s, s.lab.machines)


def refuse_early(s: Session, without: Collection[str] = ()) -> None:
    """The same for all stages, as far as machines can be asked by now; what is silent is asked again by its stage.

    Machines in `without` are about to be made anew.
    """
    asked = [machine for machine in s.lab.machines if machine.name not in without]
    refusals = [
        error for look in (lambda: living.refuse(s), lambda: outside.refuse(s, asked)) if (error := _tried(s, look))
    ]
    if refusals:
        raise together(refusals)


def check(s: Session) -> None:
    """For `lab.check`: RefusedError for what `lab.rebuild` keeps, which is the bootstrap server.

    What it makes anew is no obstacle to it: that `lab.up` would refuse for it is only told.
    """
    refusal = _tried(s, lambda: outside.refuse(s, [s.lab.bootstrap]))
    if refusal:
        raise refusal
    different = _tried(s, lambda: living.refuse(s))
    if different:
        s.warn(f"{different.problem}\nhint: `{s.inv} lab.up` refuses: {as_typed(different.hint, s.inv)}")


def _tried(s: Session, look: Callable[[], None]) -> LabError | None:
    """What a look refuses for; None where it refuses nothing, or nobody is there yet who could be asked."""
    if not s.state.private_key.exists() or not s.machines.listens(KNOCK_S):
        return None
    try:
        look()
    except RefusedError as error:
        return error
    except (UnreachableError, DeadlineError, MissingError):
        return None
    return None
