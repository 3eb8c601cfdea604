"""A run of Ansible as its events tell it (ansible/plugins/callback/lab_events.py writes them). Text in, facts out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Task:
    """One task of a run: how long each machine took in seconds, and what came of it there."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)  # by machine, as Ansible's --diff shows them

    def hosts(self, status: str) -> list[str]:
        return sorted(host for host, own in self.statuses.items() if own == status)


@dataclass(frozen=True)
class Failure:
    """What ended a machine's part in a run."""

    host: str
    task: str
    message: str


@dataclass
class Run:
    """What is known of a run so far. `result` is systemd's (success, exit-code, timeout, ...), None until the end."""

    tasks: dict[int, Task] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    hosts: dict[str, dict[str, int]] = field(default_factory=dict)
    result: str | None = None
    status: str = ""

    @property
    def changed(self) -> bool:
        return any(task.hosts("changed") for task in self.tasks.values())

    def seconds_by_machine(self) -> dict[str, float]:
        total: dict[str, float] = {}
        for task in self.tasks.values():
            for host, seconds in task.seconds.items():
                total[host] = round(total.get(host, 0.0) + seconds, 3)
        return total

    def feed(self, line: str) -> str | None:
        """Take one line and return which event it was; None for one that is none (the torn last line of a crash)."""
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            return None
        if not isinstance(row, dict) or "event" not in row:
            return None
        self._take(row)
        return str(row["event"])

    def _take(self, row: dict[str, Any]) -> None:
        match row["event"]:
            case "task":
                self.tasks[row["task"]] = Task(row["name"])
            case "result":
                self._result(row)
            case "difference":
                differences = self.tasks[row["task"]].differences
                differences[row["host"]] = differences.get(row["host"], "") + row["text"]
            case "stats":
                self.hosts = row["hosts"]
            case "end":
                self.result, self.status = row["result"], str(row["status"])

    def _result(self, row: dict[str, Any]) -> None:
        host, status = row["host"], row["status"]
        task = self.tasks.setdefault(row["task"], Task("before the first task"))
        task.seconds[host] = row["seconds"]
        task.statuses[host] = status
        if status in ("failed", "unreachable"):
            self.failures.append(Failure(host, task.name, row.get("message") or status))
