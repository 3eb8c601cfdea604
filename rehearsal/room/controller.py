"""Commands in the controller's place: in its network namespace, which has EXTERNAL and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rehearsal.room import cgroup
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import CONTROLLER_NETNS, HOST_PASSWORD


def enter(command: list[str]) -> None:
    """Become `command` there; RoomError where there is no such place."""
    if not Path("/run/netns", CONTROLLER_NETNS).exists():
        raise RoomError("the room is down: type `python -m rehearsal up` first")
    words = ["nsenter", f"--net=/run/netns/{CONTROLLER_NETNS}", "--", *command]
    os.environ["LAB_PASSWORD"] = HOST_PASSWORD
    # inv and its like are found where this Python's own programs are, as in an active virtual environment
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inside = cgroup.within("controller", words)
    os.execvp(inside[0], inside)  # noqa: S606 - an argument list, no shell reads it
