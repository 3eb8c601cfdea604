"""The Task Scheduler of a stand-in PC: its tasks outlive the call that started them, and end with the PC.

ScheduledTasks.psm1 and the JSON answers keep the tasks in `state["scheduled_tasks"]`; each start counts in `Started`.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rehearsal.hosts.answers.worker import Worker
from rehearsal.hosts.state import HostState, Json

POLL_S = 0.1
FILE = re.compile(r'-File "(?P<file>[^"]*)" -Folder "(?P<folder>[^"]*)"')


class Run(Protocol):
    """A task that runs."""

    def runs(self) -> bool: ...

    def end(self) -> None: ...


Begin = Callable[[Json], Run]


class Scheduler:
    """Starts a PC's tasks when they are asked for, and those for it when the PC starts."""

    def __init__(self, state: HostState, begin: Begin) -> None:
        self._state = state
        self._begin = begin
        self._seen: dict[str, int] = {}
        self._running: dict[str, Run] = {}
        self._back_at = 0.0
        self._just_started = True
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin, as with the PC."""
        self._thread.start()

    def stop(self) -> None:
        """End with everything that runs."""
        self._stopping.set()
        self._thread.join()
        self._end()

    def restart(self, seconds: float) -> None:
        """The PC goes down for some seconds."""
        with self._lock:
            self._back_at = time.monotonic() + seconds
            self._just_started = True
            self._end()

    def _follow(self) -> None:
        version = -1
        while not self._stopping.wait(POLL_S):
            with self._lock:
                now = self._state.version()
                if time.monotonic() >= self._back_at and (now != version or self._just_started):
                    version = now
                    self._look(self._state.read().get("scheduled_tasks", {}))

    def _look(self, tasks: Json) -> None:
        self._seen = {name: count for name, count in self._seen.items() if name in tasks}
        for name, task in tasks.items():
            is_due = task["AtStartup"] if self._just_started else task["Started"] > self._seen.get(name, 0)
            runs = name in self._running and self._running[name].runs()
            if is_due and not runs:  # Windows, too, starts no second instance of a task
                self._running[name] = self._begin(task)
            self._seen[name] = task["Started"]
        self._just_started = False

    def _end(self) -> None:
        for run in self._running.values():
            run.end()
        self._running.clear()


class Process:
    """A task's own PowerShell; what it writes lands in the PC's `tasks.log`, as nobody reads it on Windows either."""

    def __init__(self, words: list[str], environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it, as a PC that goes down does."""
        self._process.kill()
        self._process.wait()


class Thread:
    """A task where there is no PowerShell: the JSON answers' own worker."""

    def __init__(self, state: HostState) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=Worker(state, self._ended).run, daemon=True)
        self._thread.start()

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Let it end where it is."""
        self._ended.set()
        self._thread.join()


def script_of(task: Json) -> str:
    """The command that runs a task's script with its folder; ValueError when the task is of another kind."""
    found = FILE.search(task["Arguments"])
    if found is None:
        raise ValueError(f"{task['TaskName']}: not understood: {task['Arguments']}")
    return f"& '{found['file']}' -Folder '{found['folder']}'"
