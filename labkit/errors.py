"""Every error a user can cause, and its exit code. Nothing here prints; Invoke prints `Exit` subclasses bare."""

from __future__ import annotations

from invoke.exceptions import Exit


class LabError(Exit):  # type: ignore[misc]
    """Something the user can understand and act on; shown without a traceback.

    `message` says what failed, on which host or machine, and why as far as known; `hint` says how to go on,
    with the command to type. The class decides the process's exit code (the README lists them).
    """

    exit_code = 1
    message: str

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.problem = message
        self.hint = hint
        text = f"error: {message}"
        if hint:
            text += f"\nhint: {hint}"
        super().__init__(text, self.exit_code)

    def resume_with(self, command: str) -> None:
        """Add the command that goes on where this failed."""
        self.message = f"{self.message}\nresume: {command}"

    def __str__(self) -> str:
        return str(self.message)


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
