"""What a run of Ansible shows while it goes on: the task at hand, and a line for each task that changed or failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from labkit.k8s.events import Run, Task

SLOW_S = 5.0  # a task that took this long is worth a line even when it changed nothing


class Live:
    """Tells a terminal about a run; where there is no terminal, only the lasting lines are printed."""

    def __init__(self, console: Console, status: Status | None) -> None:
        self._console = console
        self._status = status
        self._told = 0

    def __call__(self, run: Run, event: str) -> None:
        """Take note of an event; the tasks before the newest are complete."""
        newest = max(run.tasks, default=0)
        if event in ("task", "stats", "end"):
            last = newest if event == "end" else newest - 1
            for number in range(self._told + 1, last + 1):
                self._tell(run.tasks[number])
            self._told = max(self._told, last)
        self.glance(run)

    def glance(self, run: Run) -> None:
        """Show the task at hand, and print nothing that lasts."""
        newest = max(run.tasks, default=0)
        if self._status and newest:
            self._status.update(f"{run.tasks[newest].name}")

    def _tell(self, task: Task) -> None:
        slowest = max(task.seconds.values(), default=0.0)
        parts = [f"{status}: {' '.join(task.hosts(status))}" for status in ("changed", "failed", "unreachable")]
        parts = [part for part in parts if not part.endswith(": ")]
        if parts or slowest >= SLOW_S:
            self._console.print(f"    {task.name}: {', '.join(parts) or 'ok'} ({slowest:.1f} s)", markup=False)


@contextmanager
def live(console: Console) -> Iterator[Live]:
    """A Live for the length of one run, with a spinner where the console is a terminal."""
    if not console.is_terminal:
        yield Live(console, None)
        return
    with console.status("Ansible is starting") as status:
        yield Live(console, status)
