"""The journal is the only memory of what was done: it must survive failures, kills and threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from labkit.session import Session


def test_a_step_has_a_start_and_an_end_with_seconds_and_change(session: Session) -> None:
    with session.journal.step("pxe.setup") as step:
        step.changed = True
        step.facts["files"] = 3
    start, end = session.journal.rows()
    assert (start["event"], start["step"]) == ("start", "pxe.setup")
    assert (end["event"], end["result"], end["changed"], end["files"]) == ("end", "ok", True, 3)
    assert 0 <= end["seconds"] < 5


@pytest.mark.parametrize("raised", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_a_step_that_fails_ends_as_failed_and_the_error_goes_on(session: Session, raised: BaseException) -> None:
    with pytest.raises(type(raised)), session.journal.step("pxe.setup"):
        raise raised
    assert session.journal.rows()[-1]["result"] == "failed"


@pytest.mark.parametrize(("changed", "word"), [(True, "changed"), (False, "nothing to change"), (None, "done")])
def test_the_terminal_is_told_what_came_of_a_step(
    session: Session, capsys: pytest.CaptureFixture[str], changed: bool | None, word: str
) -> None:
    with session.journal.step("pxe.setup") as step:
        step.changed = changed
    assert f"pxe.setup: {word}" in capsys.readouterr().err


def test_a_note_is_kept_once_a_run(session: Session) -> None:
    for _ in range(3):
        session.journal.note("cp1", "kubeadm is a stand-in")
    session.journal.note("w1", "kubeadm is a stand-in")
    assert [row["source"] for row in session.journal.rows()] == ["cp1", "w1"]


def test_threads_do_not_tear_each_others_lines(session: Session) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(200):
            pool.submit(session.journal.note, f"machine {number}", "x" * 500)
    assert len(session.journal.rows()) == 200


def test_half_a_line_of_a_killed_process_costs_no_other_line(session: Session) -> None:
    session.journal.write("run", command="inv lab.up")
    with session.state.journal.open("a") as file:
        file.write('{"event": "sta')
    session.journal.write("run", command="inv lab.up again")
    assert [row["command"] for row in session.journal.rows()] == ["inv lab.up", "inv lab.up again"]


def test_each_line_is_ascii_json_with_a_time(session: Session) -> None:
    session.journal.note("pc1", "Größe 한국어\nzweite Zeile")
    lines = session.state.journal.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert lines[0].isascii()
    assert json.loads(lines[0])["time"].startswith("20")


def test_only_its_owner_reads_it(session: Session) -> None:
    session.journal.write("run", command="inv lab.up")
    assert session.state.journal.stat().st_mode & 0o077 == 0
