"""Runs of Ansible on the bootstrap server: one at a time, as the unit lab-ansible, which no lost connection ends.

Start, attach to what runs already, follow its events. What the events mean stands in `labkit.k8s.events`.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labkit.errors import DeadlineError, LabError, MissingError
from labkit.k8s.events import Run
from labkit.k8s.tree import REMOTE
from labkit.session import Session

UNIT = "lab-ansible"
BUSY, NOT_INSTALLED = 3, 4  # exit codes of unit/start.sh
GRACE_S = 60  # systemd ends a run at its deadline; this long the end may take to arrive here

Watcher = Callable[[Run, str], None]


@dataclass(frozen=True)
class Running:
    """A run that was started, here or by somebody else: its stage and the file of its events."""

    stage: str
    events: str
    folder: str = REMOTE

    @property
    def log(self) -> str:
        return self.events.removesuffix(".jsonl") + ".log"


def command_line(s: Session, stage: str, arguments: Sequence[str], folder: str = REMOTE) -> str:
    """The command that starts `ansible-playbook ARGUMENTS` in a tree as the unit, for a shell."""
    lab = s.lab
    words = [f"{folder}/unit/start.sh", lab.machine_user, str(lab.timeouts.ansible_s), stage, *arguments]
    return shlex.join(words)


def running(s: Session) -> Running | None:
    """The run under way on the bootstrap server, or None."""
    command = f"systemctl show {UNIT} --property=ActiveState,Description"
    rows = dict(line.partition("=")[::2] for line in s.machines.bootstrap().run(command).stdout.splitlines())
    stage, _, events = rows.get("Description", "").partition(" ")
    if rows.get("ActiveState") not in ("active", "activating", "deactivating") or not events.endswith(".jsonl"):
        return None
    return Running(stage, events)


def start(s: Session, stage: str, arguments: Sequence[str], folder: str = REMOTE) -> Running:
    """Start a run; MissingError when Ansible is not installed there, LabError when another run came first."""
    result = s.machines.bootstrap().sudo(command_line(s, stage, arguments, folder), check=False)
    if result.code == NOT_INSTALLED:
        raise MissingError("the bootstrap server has no Ansible yet", "run `inv k8s.bootstrap`")
    if result.code == BUSY:
        raise LabError("another run of Ansible began at the same moment", f"repeat `inv {stage}`: it attaches to it")
    if result.code != 0:
        raise LabError(f"Ansible could not be started on the bootstrap server: {result.stderr.strip()}")
    return Running(stage, result.stdout.strip(), folder)


def follow(s: Session, what: Running, watcher: Watcher) -> Run:
    """Read a run's events until it has ended, telling `watcher` of each; return what became of it.

    DeadlineError when it goes on after its own deadline; LabError when it ended without a word (server switched off).
    """
    run, deadline = Run(), time.monotonic() + s.lab.timeouts.ansible_s + GRACE_S
    lines = s.machines.bootstrap().follow(shlex.join([f"{what.folder}/unit/follow.sh", what.events]))
    try:
        for line in lines:
            if time.monotonic() > deadline:
                raise DeadlineError(
                    f"{what.stage} goes on after its deadline; its log on the bootstrap server: {what.log}"
                )
            event = run.feed(line) if line else None
            if event:
                watcher(run, event)
            if event == "end":
                return run
    except KeyboardInterrupt:
        s.console.print(
            f"\n{what.stage} goes on, on the bootstrap server. `{s.inv} {what.stage}` attaches to it again; to end it:"
            f" `{s.inv} os.ssh --machine {s.lab.bootstrap.name}`, then `sudo systemctl stop {UNIT}`"
        )
        raise
    finally:
        lines.close()
    raise LabError(f"{what.stage} ended without saying how; its log on the bootstrap server: {what.log}")
