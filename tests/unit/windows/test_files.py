"""Files on Windows: for their owner alone by an access list, and replaced although a scanner holds them."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.controller import state
from labkit.errors import LabError
from labkit.line import lock
from labkit.session import Session

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
HOLD = "import sys, time; file = open(sys.argv[1]); print('held', flush=True); time.sleep(0.6)"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Let icacls end with a code and what it says on both outputs; gives the command lines that it got."""

    def play(code: int, output: str, errors: str) -> list[list[str]]:
        calls: list[list[str]] = []

        def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            calls.append(words)
            return subprocess.CompletedProcess(words, code, output, errors)

        monkeypatch.setattr(state, "os", SimpleNamespace(name="nt", environ={}))
        monkeypatch.setattr("labkit.controller.acl.user_sid", lambda: SID)
        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return play


def test_the_owner_is_named_by_his_id_so_that_no_name_has_to_be_found(windows: Any, tmp_path: Path) -> None:
    calls = windows(0, "", "")
    state.restrict(tmp_path)
    assert calls == [["icacls", str(tmp_path), "/inheritance:r", "/grant:r", f"*{SID}:(OI)(CI)F"]]


@pytest.mark.parametrize(
    "said", [("", "E:\\lab: 액세스가 거부되었습니다.\n"), ("E:\\lab: 액세스가 거부되었습니다.\n", "")]
)
def test_an_access_list_that_cannot_be_set_is_a_sentence_with_a_way_out(
    windows: Any, tmp_path: Path, said: tuple[str, str]
) -> None:
    windows(5, *said)
    with pytest.raises(LabError, match="액세스가 거부되었습니다") as error:
        state.restrict(tmp_path)
    assert str(tmp_path) in error.value.problem
    assert "NTFS" in error.value.hint


@pytest.mark.skipif(os.name != "nt", reason="only Windows has such ids")
def test_windows_tells_the_users_id() -> None:
    from labkit.controller import acl

    assert re.fullmatch(r"S-1-5(-\d+)+", acl.user_sid())


def test_the_lock_needs_no_name_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert lock._me("inv lab.up")["user"] == "somebody"


def held(file: Path) -> subprocess.Popen[str]:
    """Another program that holds `file` open for a moment: on Windows nobody may replace or remove it meanwhile."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline().strip() == "held"
    return holder


def test_a_file_that_another_program_holds_for_a_moment_is_replaced(session: Session) -> None:
    file = session.state.known_hosts
    session.state.write(file, "old")
    with held(file):
        assert session.state.write(file, "new")
        assert file.read_text() == "new"


def test_a_lock_that_another_program_holds_for_a_moment_is_given_back(session: Session) -> None:
    with lock.held(session):
        holder = held(session.state.lock)
    assert not session.state.lock.exists()
    holder.wait()
