"""Nothing is destroyed, and no PC's own network changed, before somebody agreed to exactly that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from labkit.controller import terminal
from labkit.errors import ConsentError
from labkit.session import Session

VARIABLE = "LAB_ASSUME_YES"
Verb = Literal["destroy", "change"]


def require(
    session: Session, what: Sequence[str], command: str, *, dry: bool, data: bool = False, verb: Verb = "destroy"
) -> bool:
    """Show what `command` destroys (`verb`) and return whether it may act: False when there is nothing, or when `dry`.

    `what` names each thing in a line. Agreement is the lab's name, typed at a terminal or standing in LAB_ASSUME_YES;
    for `data` (what people stored in the lab) only the terminal counts. Raises ConsentError; nothing was changed then.
    """
    name = session.lab.name
    if not what:
        session.output.print(f"{command}: nothing to {verb}")
        return False
    session.output.print(f"{command} {f'would {verb}' if dry else f'{verb}s'}, in {name}:")
    for line in what:
        session.output.print(f"  - {line}", markup=False, soft_wrap=True)
    if dry:
        return False
    given = os.environ.get(VARIABLE)
    if given == name and not data:
        session.console.print(f"{VARIABLE}={name}: going on")
        return True
    if not terminal.is_there():
        raise ConsentError(_nobody_agreed(name, given, data, verb), _how_to_agree(name, command, data))
    _ask(session, name, command)
    return True


def _ask(session: Session, name: str, command: str) -> None:
    session.console.print(f"Type the lab's name ({name}) to go on; anything else stops here: ", end="")
    try:
        answer = input().strip()
    except EOFError:
        answer = ""
    if answer != name:
        raise ConsentError(f"{answer!r} is not {name!r}; nothing was changed", f"repeat {command} when it should go")


def _nobody_agreed(name: str, given: str | None, data: bool, verb: Verb) -> str:
    if data and given == name:
        return f"{VARIABLE} does not count for stored data; nothing was changed"
    if given:
        return f"{VARIABLE} is {given!r}, this lab is {name!r}; nothing was changed"
    return f"this {verb}s what is listed, and nobody is at the terminal to agree; nothing was changed"


def _how_to_agree(name: str, command: str, data: bool) -> str:
    if data:
        return f"type `{command}` at a terminal and answer with the lab's name, {name}"
    return f"set {VARIABLE}={name} in the environment and repeat `{command}`; with `inv --dry` it only shows the list"
