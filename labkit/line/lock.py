"""One `inv` at a time changes a lab: the file `.lab/<id>/lock.json` says who does.

The file is made with O_EXCL, so that two cannot both have it. It holds pid, host, user, time and command. A lock left
by a process of this computer that no longer runs is taken over; one from elsewhere is believed.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.controller import account
from labkit.controller.patience import patiently
from labkit.controller.state import restrict
from labkit.errors import LockedError
from labkit.session import Session


@contextmanager
def held(session: Session) -> Iterator[None]:
    """Hold the lab's lock; raises LockedError that names who has it."""
    session.state.prepare()
    file, mine = session.state.lock, _me(session.command)
    if not _create(file, mine):
        _clear_if_left_behind(file, session)
        if not _create(file, mine):
            raise _refusal(file)
    try:
        yield
    finally:
        if (_read(file) or {}).get("token") == mine["token"]:
            patiently(file.unlink)


def _me(command: str) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": account.current() or "somebody",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "token": secrets.token_hex(8),
    }


def _create(file: Path, content: dict[str, Any]) -> bool:
    try:
        handle = patiently(lambda: os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as lock:
        json.dump(content, lock)
    restrict(file)
    return True


def _read(file: Path) -> dict[str, Any] | None:
    """Who holds it; None when nobody does; an empty mapping when the file says nothing (yet)."""
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return holder if isinstance(holder, dict) and isinstance(holder.get("pid"), int) else {}


def _clear_if_left_behind(file: Path, session: Session) -> None:
    """Move a dead process's lock aside; if somebody took it over first, what was moved is theirs and goes back."""
    holder = _read(file)
    if not holder or holder.get("host") != socket.gethostname() or is_alive(holder["pid"]):
        return
    aside = file.with_name(f"lock.{secrets.token_hex(4)}.left")
    try:
        patiently(lambda: file.rename(aside))
    except FileNotFoundError:
        return
    moved = _read(aside) or {}
    patiently(aside.unlink)
    if moved.get("token") != holder.get("token"):
        _create(file, moved)
        return
    session.console.print(f"the lock of `{holder.get('command')}` was left behind (its process is gone); taken over")


def _refusal(file: Path) -> LockedError:
    holder = _read(file) or {}
    who = f"{holder.get('user', 'somebody')} on {holder.get('host', 'an unknown computer')}"
    what = f"`{holder.get('command', 'inv')}` (process {holder.get('pid', '?')}, since {holder.get('time', '?')})"
    return LockedError(
        f"the lab is being changed by {who}: {what}",
        f"wait until it has ended; if that process is gone for sure, remove {file}",
    )


def is_alive(pid: int) -> bool:
    """Whether a process of this computer runs."""
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as somebody else
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    """There os.kill(pid, 0) would not ask but interrupt; OpenProcess with the least right is the question."""
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        access_denied = 5
        return bool(kernel.GetLastError() == access_denied)
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
