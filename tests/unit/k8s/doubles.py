"""Machines that answer commands from a table, so that labkit.k8s can be driven without any."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from labkit.description.lab import Machine
from labkit.errors import LabError
from labkit.session import Session
from labkit.transport.remote import Result

Answers = dict[str, str | int]  # a part of the command -> what it prints, or the code it fails with
EVENTS = "/var/log/lab/ansible/run.jsonl"
UNDER_WAY = f"Description=k8s.cni {EVENTS}\nActiveState=active\n"


def events(*rows: Mapping[str, object], result: str = "success") -> list[str | None]:
    """A run's lines: one task, what became of it on machines (what `rows` add to such an event), and the end."""
    became = [{"event": "result", "task": 1, "seconds": 1.0, **row} for row in rows]
    end = {"event": "end", "result": result, "status": "2"}
    return [json.dumps(row) for row in ({"event": "task", "task": 1, "name": "swap : off"}, *became, end)]


@dataclass
class FakeRemote:
    """Answers a command by the first part of it that is in the table; anything else prints nothing and succeeds."""

    name: str
    answers: Answers = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    synced: list[tuple[str, Mapping[str, str | bytes]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    stream: list[str | None] = field(default_factory=list)

    @property
    def started(self) -> list[str]:
        return [command for command in self.commands if "start.sh" in command]

    def run(self, command: str, *, check: bool = True, **_: Any) -> Result:
        self.commands.append(command)
        for part, answer in self.answers.items():
            if part in command:
                code = answer if isinstance(answer, int) else 0
                if check and code:
                    raise LabError(f"{self.name}: `{command}` ended with code {code}")
                return Result(answer if isinstance(answer, str) else "", "", code)
        return Result("", "", 0)

    sudo = run

    def get(self, path: str) -> bytes:
        if path not in self.files:
            raise LabError(f"{self.name}: {path} cannot be read: No such file or directory")
        return self.files[path]

    def sync(self, folder: Path, path: str, extra: Mapping[str, str | bytes]) -> None:
        assert folder.is_dir()
        self.synced.append((path, extra))

    def follow(self, command: str, **_: Any) -> Generator[str | None, None, None]:
        self.commands.append(command)
        yield from self.stream


class FakeMachines:
    """In place of `Session.machines`."""

    def __init__(self, session: Session) -> None:
        self._bootstrap = session.lab.bootstrap.name
        self.silent: set[str] = set()
        self.forgotten: list[str] = []
        self.remotes = {machine.name: FakeRemote(machine.name) for machine in session.lab.machines}

    def bootstrap(self) -> FakeRemote:
        return self.remotes[self._bootstrap]

    def to(self, machine: Machine) -> FakeRemote:
        return self.remotes[machine.name]

    def is_up(self, machine: Machine) -> bool:
        return machine.name not in self.silent

    def listens(self, timeout_s: float) -> bool:
        return self._bootstrap not in self.silent

    def forget(self, machine: Machine) -> None:
        self.forgotten.append(machine.name)


def attach(session: Session) -> FakeMachines:
    """Give the session fake machines, and return them."""
    fake = FakeMachines(session)
    session.__dict__["machines"] = cast(Any, fake)
    return fake
