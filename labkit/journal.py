"""The journal `.lab/<id>/journal.jsonl`: one JSON object a line for each step's start and end, and for notes.

Line shapes: {"time", "event": "start"|"end"|"note"|"times", "step", ...}; `end` carries "result" (ok|failed), "seconds" and,
as "changed", whether anything was changed where the step knows it. Any part may leave a note there about itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from labkit.state import restrict


class Step:
    """An open step; what is set here stands in its end line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed: bool | None = None
        self.facts: dict[str, Any] = {}


class Journal:
    """Appends to one file and tells the terminal (standard error) what begins and ends."""

    def __init__(self, file: Path, console: Console) -> None:
        self._file = file
        self._console = console

    def write(self, event: str, **fields: Any) -> None:
        """Append one line; a lost line would be a lie, so errors are not hidden."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self._file.exists()
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
        with self._file.open("a", encoding="utf-8", newline="\n") as lines:
            lines.write(json.dumps(row, ensure_ascii=True) + "\n")
        if fresh:
            restrict(self._file)

    def note(self, source: str, text: str) -> None:
        """Record what a part says of itself, such as a stand-in its name; the same note is kept once a run."""
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
            what = {True: "changed", False: "nothing to change", None: "done"}[step.changed] if result == "ok" else "failed"
            self._console.print(f"    {name}: {what} [dim]({seconds:.1f} s)[/dim]")

    def rows(self) -> list[dict[str, Any]]:
        """Every line so far, oldest first; a torn last line (a killed process) is left out."""
        if not self._file.exists():
            return []
        rows = []
        for line in self._file.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return rows
