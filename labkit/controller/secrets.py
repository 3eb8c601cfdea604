"""Passwords: from the environment or a prompt, masked wherever they could be printed."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from labkit.controller import terminal
from labkit.errors import MissingError

if TYPE_CHECKING:
    from labkit.description.lab import Host

MASK = "***"


class Secret:
    """A string that shows itself only when asked by name."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__


_typed: dict[str, Secret] = {}  # asked once a run; not in the environment, which child processes inherit


def variable_of(host: Host) -> str:
    """The environment's variable for the password on that host alone."""
    return f"LAB_PASSWORD_{host.name.upper().replace('-', '_')}"


def host_password(host: Host) -> Secret:
    """The Windows password for a host: LAB_PASSWORD_<HOST>, else LAB_PASSWORD, else a prompt at a terminal.

    Raises MissingError when there is none and nobody to ask.
    """
    own = variable_of(host)
    for variable in (own, "LAB_PASSWORD"):
        value = os.environ.get(variable)
        if value:
            return Secret(value)
    if own not in _typed and terminal.is_there():
        value = _ask(f"Password of {host.user} on {host.name} ({host.address}): ")
        if value:
            _typed[own] = Secret(value)
    if own in _typed:
        return _typed[own]
    raise MissingError(
        f"no password for {host.user} on {host.name} ({host.address})",
        f"set LAB_PASSWORD (one for all hosts) or {own} in the environment",
    )


def passwords() -> list[str]:
    """Every password that this run knows or could ask for: those of the environment, and what was typed."""
    given = [value for variable, value in os.environ.items() if variable.upper().startswith("LAB_PASSWORD")]
    return [*given, *(secret.reveal() for secret in _typed.values())]


def _ask(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""
