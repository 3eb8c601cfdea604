"""The control groups of the room: by them all that it started is found again, whatever became of its parents.

Both layouts occur: one unified hierarchy, or version 1 with a named hierarchy of systemd's beside it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOM = "lab-rehearsal"
# Enters the groups named by its first arguments (up to --), then becomes the command that follows.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"'


def hierarchies(mounts: str) -> list[Path]:
    """Where groups can be made that limit nothing: cgroup2 and systemd's hierarchy; `mounts` is /proc/mounts' text."""
    found = []
    for line in mounts.splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(point))
    return found


def folders(name: str = "") -> list[Path]:
    """The folders of the room's group `name` ("": all of the room) in every hierarchy."""
    return [point / ROOM / name for point in hierarchies(Path("/proc/mounts").read_text(encoding="utf-8"))]


def within(name: str, command: Sequence[str | Path]) -> list[str]:
    """Return a command that runs `command` in the room's group `name`, which is made here."""
    places = folders(name)
    for folder in places:
        folder.mkdir(parents=True, exist_ok=True)
    return ["sh", "-c", ENTER, "sh", *map(str, places), "--", *map(str, command)]


def members(name: str = "") -> set[int]:
    """The process ids in a group and everything below it, as seen from the caller's process namespace."""
    found: set[int] = set()
    for folder in folders(name):
        for file in folder.rglob("cgroup.procs"):
            with suppress(OSError):  # the group went away in between, or has no processes of its own
                found |= {int(word) for word in file.read_text(encoding="utf-8").split()}
    return found - {0}  # 0: a process of another namespace


def kill(name: str, timeout_s: float = 3.0) -> None:
    """Kill every process of a group. A container outlives the systemd-nspawn that started it when that is killed."""
    deadline = time.monotonic() + timeout_s
    while (found := members(name)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):  # ended with the first process of its namespace
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def remove(name: str = "", timeout_s: float = 3.0) -> None:
    """Remove a group and everything below it; the kernel lets go of dead processes only after a moment."""
    deadline = time.monotonic() + timeout_s
    while any(folder.exists() for folder in folders(name)):
        for top in folders(name):
            for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
                _rmdir(folder)
            _rmdir(top)
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _rmdir(folder: Path) -> None:
    with suppress(OSError):  # busy or gone: looked at again by the loop above
        folder.rmdir()
