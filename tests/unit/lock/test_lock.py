"""One `inv` at a time changes a lab."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LockedError
from labkit.line import lock
from labkit.session import Session


@pytest.fixture
def dead_pid() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(session: Session, **fields: Any) -> Path:
    """Put a lock there as somebody else's."""
    session.state.prepare()
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "user": "ann", "time": "2026", "command": "inv lab.up"}
    session.state.lock.write_text(json.dumps({**holder, "token": "x", **fields}))
    return session.state.lock


def test_it_says_who_holds_it_while_it_is_held_and_is_gone_afterwards(session: Session) -> None:
    with lock.held(session):
        kept = json.loads(session.state.lock.read_text())
        assert kept["pid"] == os.getpid()
        assert kept["host"] == socket.gethostname()
        assert kept["command"] == session.command
        assert {"user", "time"} <= set(kept)
    assert not session.state.lock.exists()


def test_a_second_one_is_refused_and_told_who(session: Session) -> None:
    file = leave(session)
    with pytest.raises(LockedError) as refusal, lock.held(session):
        pytest.fail("two hold the lock")
    assert refusal.value.code == 9
    assert all(word in refusal.value.problem for word in ("ann", "inv lab.up", str(os.getpid()), "2026"))
    assert str(file) in str(refusal.value.hint)
    assert file.exists()


def test_a_dead_processs_lock_is_taken_over(
    session: Session, dead_pid: int, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(session, pid=dead_pid)
    with lock.held(session):
        assert json.loads(session.state.lock.read_text())["pid"] == os.getpid()
    assert "left behind" in capsys.readouterr().err
    assert list(session.state.path.glob("lock*")) == []


def test_a_lock_of_another_computer_is_believed(session: Session, dead_pid: int) -> None:
    leave(session, pid=dead_pid, host="elsewhere")
    with pytest.raises(LockedError, match="elsewhere"), lock.held(session):
        pytest.fail("taken")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_lock_that_says_nothing_is_believed(session: Session, text: str) -> None:
    leave(session).write_text(text)
    with pytest.raises(LockedError), lock.held(session):
        pytest.fail("taken")


def test_somebody_who_took_it_over_first_keeps_it(
    session: Session, dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw the dead one; the other was faster, so what this one moves aside is a live lock."""
    leave(session, pid=dead_pid)
    seen = lock._read(session.state.lock)
    leave(session, user="bob", token="bob's")
    answers = [seen]
    real = lock._read
    monkeypatch.setattr(lock, "_read", lambda file: answers.pop() if answers else real(file))
    with pytest.raises(LockedError, match="bob"), lock.held(session):
        pytest.fail("taken")
    assert json.loads(session.state.lock.read_text())["user"] == "bob"


def test_only_the_own_lock_is_removed(session: Session) -> None:
    with lock.held(session):
        leave(session, user="bob")
    assert session.state.lock.exists()


def test_a_process_of_somebody_else_is_alive() -> None:
    assert lock.is_alive(1)


def test_of_processes_at_once_one_gets_it(session: Session, tmp_path: Path) -> None:
    session.state.prepare()
    program = """
import sys, time
from pathlib import Path
from labkit.line import lock
from labkit.description.load import load_lab
from labkit.errors import LockedError
from labkit.session import Session
from labkit.controller.state import StateDir
StateDir.of = classmethod(lambda cls, lab: cls(Path(sys.argv[2])))
session = Session(load_lab(Path(sys.argv[1])))
try:
    with lock.held(session):
        print("mine", flush=True)
        sys.stdin.read()
except LockedError:
    print("refused", flush=True)
"""
    command = [sys.executable, "-c", program, str(session.lab.source), str(session.state.path)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.stdout.readline().strip() for process in started if process.stdout]
    for process in started:
        process.communicate(timeout=60)
    assert sorted(said) == ["mine", "refused", "refused", "refused"]
    assert not session.state.lock.exists()
