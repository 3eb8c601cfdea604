"""What the tasks of one `inv` share: the lab, its folder, the journal, the terminal, open connections."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.controller.journal import Journal
from labkit.controller.log import Log
from labkit.controller.state import StateDir
from labkit.description.source import PROJECT_FILE
from labkit.project import ROOT

if TYPE_CHECKING:
    from rich.console import Console

    from labkit.controller.secrets import Secret
    from labkit.description.lab import Host, Lab
    from labkit.hyperv.hosts import Hosts
    from labkit.transport.ssh import Machines

PIPE_WIDTH = 140


class Session:
    """One lab in one process. Connections open when first used and close at exit.

    Raises ConfigError when a newer version of this project wrote the lab's folder.
    """

    def __init__(self, lab: Lab, inv: str = "inv") -> None:
        self.lab = lab
        self.inv = inv  # how this run was called, up to its first task: what a command that is shown begins with
        self.state = StateDir.of(lab)
        self.state.refuse_newer()
        self.console = terminal(stderr=True)  # progress; results go to standard output
        self.output = terminal(stderr=False)
        self.command = subprocess.list2cmdline(["inv", *sys.argv[1:]])  # as typed, for hints and for the lock
        self.journal = Journal(self.state.journal, self.console)
        self.log = Log(self.state)
        self._warned: set[str] = set()

    def warn(self, text: str) -> None:
        """Tell a person something that stops nothing; the same text once a run."""
        if text not in self._warned:
            self._warned.add(text)
            self.console.print(text, style="yellow", markup=False, soft_wrap=True)

    @cached_property
    def hosts(self) -> Hosts:
        """The Hyper-V hosts; one WinRM session each, reads shared by the tasks of this run."""
        from labkit.hyperv.hosts import Hosts  # winrm takes 0.3 s to import: only who needs it pays
        from labkit.transport.winrm import WinRm

        def connect(host: Host, password: Secret) -> WinRm:
            return WinRm(host, password, self.state.host_certificate(host.name))

        return Hosts(self.lab, self.journal, connect)

    @cached_property
    def machines(self) -> Machines:
        """SSH to the machines, through the bootstrap server."""
        from labkit.transport.ssh import Machines

        return Machines(self.lab, self.state)


def terminal(*, stderr: bool) -> Console:
    """A console on standard error or output; wide enough for tables where it is a pipe or a file."""
    from rich.console import Console  # `inv --list` imports this module and needs no terminal

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, width=width, emoji=False)


def lab_file(context: Any) -> Path:
    """The file that describes the lab of this run: the one given with -f, else the project's own."""
    given = _given(context.config)
    return Path(given) if given else ROOT / PROJECT_FILE


def inv(config: Any) -> str:
    """How this run was called, up to its first task: `inv`, or `inv -f FILE` with the file as typed."""
    given = _given(config)
    return subprocess.list2cmdline(["inv", *(["-f", str(given)] if given else [])])


def session(context: Any) -> Session:
    """The session of this run; every task of one `inv` gets the same."""
    return _open(lab_file(context), inv(context.config))


@cache
def _open(file: Path, inv: str) -> Session:
    from labkit.description.load import load_lab  # pydantic takes 0.3 s to import: `inv --list` does not pay

    return Session(load_lab(file), inv)


def _given(config: Any) -> Any:
    return getattr(config, "_runtime_path", None)  # where Invoke keeps -f; it has no public name
