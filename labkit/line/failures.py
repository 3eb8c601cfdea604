"""What a user can cause ends in a sentence, also where a library raised it and nobody expected it there.

The parts translate their own libraries' errors where they know what was being done. This is the net below them: it
knows only which task ran. Whatever is in no table here is a mistake in this project and keeps its traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from invoke.exceptions import AmbiguousEnvVar, CommandTimedOut, UncastableEnvVar
from invoke.util import debug

from labkit.controller.log import exit_code
from labkit.controller.redaction import without_secrets
from labkit.errors import (
    ConfigError,
    ConsentError,
    DeadlineError,
    InterruptedLabError,
    LabError,
    LockedError,
    MissingError,
    UnreachableError,
)

LIBRARIES: dict[str, type[LabError]] = {
    "paramiko": UnreachableError,
    "requests": UnreachableError,
    "requests_ntlm": UnreachableError,
    "spnego": UnreachableError,
    "urllib3": UnreachableError,
    "winrm": UnreachableError,
}
BUNDLER = "lab.bundle"
BUNDLE = f"`inv {BUNDLER}` puts what a bug report needs into one file"
UNBROKEN = (ConfigError, ConsentError, MissingError, LockedError, InterruptedLabError)
"""What says all that there is to say, and is nothing to report."""
SYSTEM = ("builtins", "socket", "ssl")  # a library's own OSError, such as a template that is missing, is our mistake


@contextmanager
def explained(task: str) -> Iterator[None]:
    """Turn errors of known libraries, of the operating system and Ctrl-C into LabErrors that name `task`."""
    try:
        yield
    except LabError as error:
        error.task = error.task or task
        raise
    except KeyboardInterrupt:
        raise InterruptedLabError(f"{task} was stopped by Ctrl-C; what was finished before stays") from None
    except Exception as error:
        translated = _translated(task, error)
        if translated is None:
            raise
        translated.task = task
        debug(traceback.format_exc())  # `inv -d` shows it
        raise translated from error


def offer_bundle(error: LabError) -> None:
    """Let the last hint of a task that failed name what gathers a bug report, unless its message says it all."""
    if error.task and error.task != BUNDLER and not isinstance(error, UNBROKEN):
        error.hints = (*error.hints, BUNDLE)


def outcome(error: BaseException) -> dict[str, Any]:
    """What the journal keeps of a failure: exit code, task, problems and hints, without secrets."""
    told: dict[str, Any] = {"code": exit_code(error)}
    if isinstance(error, LabError):
        told |= {"task": error.task, "problems": error.problems, "hints": error.hints}
    else:
        told |= {"problems": [f"{type(error).__name__}: {error}"], "hints": []}
    for key in ("problems", "hints"):
        told[key] = [without_secrets(text) for text in told[key]]
    return told


def _translated(task: str, error: Exception) -> LabError | None:
    text = f"{task}: {type(error).__name__}: {error}"
    if isinstance(error, AmbiguousEnvVar | UncastableEnvVar):
        return ConfigError(text, "unset that INVOKE_... variable: the lab is described in its file alone")
    if isinstance(error, CommandTimedOut):
        return DeadlineError(text)
    kind = LIBRARIES.get(type(error).__module__.partition(".")[0])
    if kind is not None:
        return kind(text, "repeat with `inv -d` to see where it came from")
    if isinstance(error, OSError) and type(error).__module__ in SYSTEM:
        return LabError(text, "repeat with `inv -d` to see where it came from")
    return None
