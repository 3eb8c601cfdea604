"""The rehearsal's room: these tasks only start the separate program `python -m rehearsal`."""

from __future__ import annotations

import subprocess
import sys

from invoke import Context, task

from labkit.description.source import PROJECT_FILE
from labkit.errors import LabError, RefusedError
from labkit.line.kinds import Controller, Reader
from labkit.project import ROOT
from labkit.session import lab_file


def _room(action: str, *options: str) -> int:
    """Run an action of the room in a process of its own and return its exit code; RefusedError where it cannot run."""
    if not sys.platform.startswith("linux"):
        raise RefusedError("a rehearsal needs Linux (Debian 12, as root)", "use this lab file's real hosts from here")
    return subprocess.run([sys.executable, "-m", "rehearsal", action, *options], cwd=ROOT, check=False).returncode


@task(klass=Controller)
def rehearsal_up(c: Context) -> None:
    """Make the rehearsal's room: network, hosts, firmware.

    It plays the PCs of the lab given with -f, or those of labs/rehearsal.yaml.
    """
    file = lab_file(c)
    if _room("up", *(() if file == ROOT / PROJECT_FILE else ("-f", str(file.absolute())))):
        raise LabError("the room did not come up; its own message stands above")


@task(klass=Controller)
def rehearsal_down(c: Context) -> None:
    """Remove everything that rehearsal.up made."""
    if _room("down"):
        raise LabError("the room is not down; its own message stands above")


@task(klass=Reader, default=True)
def rehearsal_status(c: Context) -> None:
    """Tell whether the room is up, and what its VMs are."""
    _room("status")
