"""Scheduled tasks: registered, started, taken away. The PC's scheduler runs them."""

from __future__ import annotations

from rehearsal.hosts import outage
from rehearsal.hosts.pc import records
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState

LIST = "scheduled_tasks"


def register(pc: HostState, name: str, execute: str, arguments: str, user: str, *, at_startup: bool) -> None:
    """`Register-ScheduledTask`."""
    with outage.change(pc) as state:
        if name in state.get(LIST, {}):
            message = "Cannot create a file when that file already exists."
            raise RefusedError(message, "HRESULT 0x800700b7,Register-ScheduledTask", "ResourceExists")
        state.setdefault(LIST, {})[name] = {
            "TaskName": name, "Execute": execute, "Arguments": arguments, "UserId": user, "AtStartup": at_startup,
            "Started": 0,
        }  # fmt: skip


def start(pc: HostState, name: str) -> None:
    """`Start-ScheduledTask`: each start counts."""
    with outage.change(pc) as state:
        if name not in state.get(LIST, {}):
            message = "The system cannot find the file specified."
            raise RefusedError(message, "HRESULT 0x80070002,Start-ScheduledTask", "ObjectNotFound")
        state[LIST][name]["Started"] += 1


def unregister(pc: HostState, name: str) -> None:
    """`Unregister-ScheduledTask`."""
    records.remove(pc, LIST, name)
