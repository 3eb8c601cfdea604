"""Runs programs of the host: by argument list, loud when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rehearsal.room.errors import RoomError

TAIL = 2000  # characters of a failed program's output that are worth showing


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> str:
    """Run a program and return its standard output; RoomError with the end of its output when it fails.

    `env` replaces the environment; `timeout_s` is in seconds.
    """
    words = [str(word) for word in command]
    try:
        result = subprocess.run(
            words, input=stdin, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
        )  # fmt: skip
    except FileNotFoundError as error:
        raise RoomError(f"the program {words[0]!r} is not there") from error
    except subprocess.TimeoutExpired as error:
        raise RoomError(f"{' '.join(words)} did not end in {timeout_s:.0f} s") from error
    if result.returncode:
        output = (result.stderr + result.stdout)[-TAIL:].strip()
        raise RoomError(f"{' '.join(words)} ended with {result.returncode}: {output}")
    return result.stdout
