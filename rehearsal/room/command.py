"""Runs programs of the host: by argument list, loud when they fail."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rehearsal.room.errors import RoomError

TICK_S = 10.0  # how often a long program's progress is told
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


def run_telling(
    command: Sequence[str | Path], say: Callable[[str], None], *, env: Mapping[str, str] | None = None
) -> None:
    """Run a program that takes minutes; tell its newest line every 10 s. RoomError with its end when it fails."""
    words, begin = [str(word) for word in command], time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="lab-output-") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
        while process.poll() is None:
            try:
                process.wait(TICK_S)
            except subprocess.TimeoutExpired:
                newest = _tail(Path(output.name)).splitlines()[-1:] or ["..."]
                say(f"  {time.monotonic() - begin:3.0f} s: {newest[0][:100]}")
        if process.returncode:
            raise RoomError(f"{words[0]} ended with {process.returncode}: {_tail(Path(output.name))}")


def _tail(output: Path) -> str:
    """The end of what was written so far, read by its path: the program writes at the place of the open file."""
    return output.read_bytes()[-TAIL:].decode(errors="replace").strip()
