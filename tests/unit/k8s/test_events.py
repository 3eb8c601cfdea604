"""What the events of a run tell."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from labkit.k8s.events import Failure, Run
from labkit.k8s.live import Live

# As the callback wrote them in a real run, shortened.
STREAM: list[dict[str, Any]] = [
    {"event": "play", "name": "Prepare every machine"},
    {"event": "task", "task": 1, "name": "packages : Ensure all packages are installed"},
    {"event": "result", "task": 1, "host": "w1", "status": "changed", "seconds": 12.5},
    {"event": "result", "task": 1, "host": "w2", "status": "ok", "seconds": 1.5},
    {"event": "task", "task": 2, "name": "swap : Ensure nothing is swapped on"},
    {"event": "result", "task": 2, "host": "w1", "status": "skipped", "seconds": 0.1},
    {"event": "result", "task": 2, "host": "w2", "status": "failed", "seconds": 0.2, "message": "swapoff: no"},
    {"event": "stats", "hosts": {"w1": {"ok": 1, "changed": 1}, "w2": {"ok": 1, "failures": 1}}},
    {"event": "end", "result": "exit-code", "status": "2"},
]


def test_a_run_is_told_by_task_and_machine_with_its_failures_and_the_end_that_systemd_saw() -> None:
    run = Run()
    for row in STREAM[:-1]:
        run.feed(json.dumps(row))
    assert run.tasks[1].hosts("changed") == ["w1"]
    assert run.changed
    assert run.seconds_by_machine() == {"w1": 12.6, "w2": 1.7}
    assert run.failures == [Failure("w2", "swap : Ensure nothing is swapped on", "swapoff: no")]
    assert (run.result, run.status) == (None, "")
    assert run.feed(json.dumps(STREAM[-1])) == "end"
    assert (run.result, run.status) == ("exit-code", "2")


def test_lines_that_are_no_events_are_left_out() -> None:
    run = Run()
    lines = ('{"event": "task", "ta', "tail: file truncated", "[1, 2]")
    assert [run.feed(line) for line in lines] == [None, None, None]
    assert run.tasks == {}


def test_the_terminal_shows_what_changed_and_what_failed_once() -> None:
    text, run = io.StringIO(), Run()
    live = Live(Console(file=text, width=200), None)
    for row in STREAM:
        event = run.feed(json.dumps(row))
        assert event
        live(run, event)
    assert text.getvalue().splitlines() == [
        "    packages : Ensure all packages are installed: changed: w1 (12.5 s)",
        "    swap : Ensure nothing is swapped on: failed: w2 (0.2 s)",
    ]
