"""How kubeadm speaks: phases on standard output, warnings and errors on standard error."""

from __future__ import annotations

import sys


class CommandError(Exception):
    """The end of a command: `message` is what follows `error: `; `code` its exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    print(text, flush=True)


def phase(name: str, text: str) -> None:
    """A line such as `[certs] Generating ...`."""
    say(f"[{name}] {text}")


def warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def phase_error(name: str, error: object) -> CommandError:
    """How the real program wraps what ends a phase."""
    return CommandError(f"error execution phase {name}: {error}")
