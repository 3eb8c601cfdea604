"""Every error a user can cause, and its exit code. Nothing here prints; Invoke prints `Exit` subclasses bare."""

from __future__ import annotations

import re
from collections.abc import Iterable

from invoke.exceptions import Exit

COMMAND = re.compile(r"\binv (?!(?:-\S+ )*-f )(?=-|[a-z0-9]+\.[a-z])")
"""A command of the lab in a text, which does not name the lab's file yet."""


def as_typed(text: str, inv: str) -> str:
    """Let every command of the lab in `text` begin as this one was typed: with `inv`, or `inv -f FILE`."""
    return COMMAND.sub(lambda _: f"{inv} ", text)


class LabError(Exit):  # type: ignore[misc]
    """Something the user can understand and act on; shown without a traceback.

    A problem says what failed, on which host or machine, and why as far as known; a hint says how to go on, with the
    command to type. There may be several of each. The class decides the process's exit code (the README lists them).
    """

    exit_code = 1

    def __init__(self, problem: str | Iterable[str], hint: str | Iterable[str] | None = None) -> None:
        self.problems = _several(problem)
        self.hints = tuple(dict.fromkeys(_several(hint or ())))
        self.resume = ""  # the command that goes on where this failed
        self.task = ""  # the one that failed; "" while none had begun
        self.inv = "inv"  # how this run was called, up to its first task
        super().__init__(code=self.exit_code)

    @property
    def problem(self) -> str:
        """All that is wrong, in one line."""
        return "; ".join(self.problems)

    @property
    def hint(self) -> str:
        """All that helps, in one line; "" where nothing is known."""
        return "; ".join(self.hints)

    @property
    def message(self) -> str:
        """What is shown: the one place where problems and hints become text."""
        problems = (f"error: {text}" for text in self.problems)  # as they are: they quote what others said
        hints = (as_typed(f"hint: {text}", self.inv) for text in self.hints)
        resume = (as_typed(f"resume: {self.resume}", self.inv),) if self.resume else ()
        return "\n".join([*problems, *hints, *resume])

    @message.setter
    def message(self, text: None) -> None:
        """Invoke's Exit sets one; ours follows from the parts."""

    def __str__(self) -> str:
        return self.message


class ConfigError(LabError):
    """The description of the lab, or a setting around it, is wrong. Nothing was contacted or changed."""

    exit_code = 2


class UnreachableError(LabError):
    """A host or a machine does not answer, or refuses the credentials."""

    exit_code = 3


class DeadlineError(LabError):
    """Something was waited for and did not happen in time."""

    exit_code = 4


class ConsentError(LabError):
    """Something would be destroyed and nobody agreed to it. Nothing was changed."""

    exit_code = 5


class RefusedError(LabError):
    """The task will not act in the state it found: it names what differs and the command that may act."""

    exit_code = 6


class MissingError(LabError):
    """Something this task needs is not there yet; the hint names the task that provides it."""

    exit_code = 7


class VerificationError(LabError):
    """The lab was looked at and at least one check failed."""

    exit_code = 8


class LockedError(LabError):
    """Another `inv` is changing this lab right now."""

    exit_code = 9


class InterruptedLabError(LabError):
    """Ctrl-C. What was finished stays finished; the same stages go on from there."""

    exit_code = 130


def together(errors: Iterable[LabError]) -> LabError:
    """One error for all of them, of the nearest kind that is common to them; from it follows the exit code."""
    several = list(errors)
    if len(several) == 1:
        return several[0]
    kind = next(kind for kind in type(several[0]).__mro__ if all(isinstance(error, kind) for error in several))
    hints = (hint for error in several for hint in error.hints)
    joint: LabError = kind((problem for error in several for problem in error.problems), hints)
    return joint


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
