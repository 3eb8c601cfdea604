"""Writes what a run does as JSON lines to the file that LAB_EVENTS_FILE names; `inv` follows it.

Line shapes: {"event": "play", "name"}, {"event": "task", "task": number, "name"},
{"event": "result", "task": number, "host", "status": ok|changed|failed|skipped|unreachable, "seconds", "message"?},
{"event": "difference", "task": number, "host", "text"} (with --diff, for each file of a task that changed),
{"event": "stats", "hosts": {host: {ok, changed, failures, unreachable, skipped, rescued, ignored}}}.
Each line has "time" too, seconds since 1970.
Without that variable it does nothing, so running a playbook by hand needs no preparation.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: lab_events
type: notification
short_description: JSON lines of a run for the controller to follow
description: Writes one JSON object a line for each play, task and result.
"""

LONGEST_MESSAGE = 4000
# Errors come last: what is too long loses its beginning.
SAID = (
    "msg",
    "failures",
    "module_stdout",
    "module_stderr",
    "stdout",
    "stderr",
)  # what is too long loses its beginning: errors last


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One line an event, flushed at once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "lab_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        path = os.environ.get("LAB_EVENTS_FILE")
        self.disabled = not path
        self._file = open(path, "a", encoding="utf-8") if path else None  # noqa: PTH123, SIM115 - open as long as the run
        self._numbers: dict[str, int] = {}
        self._begun: dict[tuple[str, str], float] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._write("play", name=play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        self._task(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._task(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._begun[host.name, task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result(result, "ok" if ignore_errors else "failed", message=_message(result.result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result(result, "unreachable", message=_message(result.result))

    def v2_on_file_diff(self, result: Any) -> None:
        rows = result.result.get("results") or [result.result]
        for row in rows:
            if row.get("changed") and row.get("diff") and (text := self._get_diff(row["diff"])):
                number = self._numbers.get(result.task._uuid, 0)
                self._write("difference", task=number, host=result.host.name, text=text[:LONGEST_MESSAGE])

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write("stats", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})

    def _task(self, task: Any) -> None:
        self._numbers[task._uuid] = len(self._numbers) + 1
        self._write("task", task=self._numbers[task._uuid], name=task.get_name().strip())

    def _result(self, result: Any, status: str, **more: Any) -> None:
        host, uuid = result.host.name, result.task._uuid
        begun = self._begun.pop((host, uuid), None)
        seconds = round(time.monotonic() - begun, 3) if begun is not None else 0.0
        number = self._numbers.get(uuid, 0)
        self._write("result", task=number, host=host, status=status, seconds=seconds, **more)

    def _write(self, event: str, **fields: Any) -> None:
        if self._file:
            row = {"event": event, "time": round(time.time(), 3), **fields}
            self._file.write(json.dumps(row, default=str) + "\n")
            self._file.flush()


def _message(result: Any) -> str:
    """What the failure said, without its lesser twins; loops say it item by item."""
    rows = [row for row in result.get("results") or [result] if isinstance(row, dict) and _is_bad(row)] or [result]
    parts: list[str] = []
    for row in rows:
        for key in SAID:
            said = row.get(key) or ""
            text = "\n".join(map(str, said)) if isinstance(said, list) else str(said).strip()
            if text and text not in parts:
                parts.append(text)
    return "\n".join(parts)[-LONGEST_MESSAGE:]


def _is_bad(row: dict[str, Any]) -> bool:
    return bool(row.get("failed") or row.get("unreachable"))
