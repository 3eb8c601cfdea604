"""The journal `.lab/<id>/journal.jsonl`: one JSON object a line for each command, each step's start and end, and notes.

Every line has "time" and "event"; the events are
run    "command": an `inv` line that changes the lab begins
done   that line ended: "code" as the process's; of one that failed also "task", "problems" and "hints"
probe  "step", "missing": a stage that nobody named was looked at; null when it was satisfied
start  "step"
end    "step", "result" (ok|failed), "seconds", "changed" (null where the step does not know)
times  "step", "times": seconds by machine; of os.install also "stages": the server's time by machine and stage, and
       "left": seconds from each stage until SSH answered, by machine and stage
cycle  "machine", "stage", "seconds", "last": a machine stood still in its installation; its power was cut and put back
note   "source", "text": what a part says of itself; any part may leave one
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.controller.state import StateDir, restrict

if TYPE_CHECKING:
    from rich.console import Console


class Step:
    """An open step; what is set here stands in its end line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed: bool | None = None
        self.facts: dict[str, Any] = {}

    @property
    def outcome(self) -> str:
        """How to say it to a person."""
        return {True: "changed", False: "nothing to change", None: "done"}[self.changed]


class Journal:
    """Appends to one file, from any thread, and tells the terminal (standard error) what begins and ends."""

    def __init__(self, file: Path, console: Console) -> None:
        self._file = file
        self._console = console
        self._lock = threading.Lock()
        self._noted: set[tuple[str, str]] = set()

    def write(self, event: str, **fields: Any) -> None:
        """Append one line; a lost line would be a lie, so errors are not hidden."""
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
        with self._lock:
            fresh = not self._file.exists()
            if fresh:
                StateDir(self._file.parent).prepare()
            with self._file.open("ab+") as lines:
                lines.write((self._after_torn_line(lines) + json.dumps(row, ensure_ascii=True) + "\n").encode("ascii"))
            if fresh:
                restrict(self._file)

    @staticmethod
    def _after_torn_line(lines: Any) -> str:
        """A line break when a killed process left half a line, which would swallow the next one."""
        if not lines.seek(0, 2):
            return ""
        lines.seek(-1, 2)
        return "" if lines.read(1) == b"\n" else "\n"

    def note(self, source: str, text: str) -> None:
        """Record what a part says of itself, such as a stand-in its name; the same note is kept once a run."""
        with self._lock:
            if (source, text) in self._noted:
                return
            self._noted.add((source, text))
        self.write("note", source=source, text=text)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a stage: print its begin and end, append both to the journal, whatever happens inside."""
        step, begin = Step(name), time.monotonic()
        self._console.print(f"[bold]==> {name}[/bold]")
        self.write("start", step=name)
        result = "failed"
        try:
            yield step
            result = "ok"
        finally:
            seconds = round(time.monotonic() - begin, 2)
            self.write("end", step=name, result=result, seconds=seconds, changed=step.changed, **step.facts)
            what = step.outcome if result == "ok" else "failed"
            self._console.print(f"    {name}: {what} [dim]({seconds:.1f} s)[/dim]")

    def rows(self) -> list[dict[str, Any]]:
        """Every line so far, oldest first; a torn one (a killed process) is left out."""
        if not self._file.exists():
            return []
        rows = []
        for line in self._file.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return rows
