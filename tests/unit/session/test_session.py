"""The tasks of one `inv` share one session; its folder is its owner's alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke import Config, Context

from labkit.project import ROOT
from labkit.session import Session, lab_file, session, terminal

FILE = ROOT / "labs" / "rehearsal.yaml"


def context(file: Path | None) -> Context:
    config = Config()
    config.set_runtime_path(str(file) if file else None)
    return Context(config)


def test_the_file_given_with_f_describes_the_lab_else_the_projects_own_file_does() -> None:
    assert lab_file(context(FILE)) == FILE
    assert lab_file(context(None)) == ROOT / "invoke.yaml"


def test_all_tasks_of_a_run_share_one() -> None:
    assert session(context(FILE)) is session(context(FILE))


def test_two_labs_of_one_checkout_do_not_share_a_folder(tmp_path: Path) -> None:
    other = tmp_path / "lab.yaml"
    other.write_text(FILE.read_text().replace("'7e57'", "'0001'"))
    folders = {session(context(file)).state.path for file in (FILE, other)}
    assert {folder.name for folder in folders} == {"7e57", "0001"}


def test_progress_and_results_go_different_ways(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.console.print("progress")
    session.output.print("result")
    assert capsys.readouterr() == ("result\n", "progress\n")


def test_a_wide_line_stays_whole_in_a_pipe(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.output.print("x " * 60)
    assert capsys.readouterr().out.count("\n") == 1


def test_writing_tells_whether_anything_changed(session: Session) -> None:
    file = session.state.path / "bootstrap" / "ks.cfg"
    assert [session.state.write(file, text) for text in ("a", "a", "b")] == [True, False, True]
    assert file.read_text() == "b"
    assert [path.name for path in file.parent.iterdir()] == ["ks.cfg"]


def test_what_is_kept_is_its_owners_alone(session: Session) -> None:
    session.state.write(session.state.private_key, "key")
    assert session.state.path.stat().st_mode & 0o077 == 0
    assert session.state.private_key.stat().st_mode & 0o077 == 0


def test_looking_makes_no_folder(session: Session) -> None:
    assert session.journal.rows() == []
    assert not session.state.path.exists()


@pytest.mark.parametrize("text", ["04:8B:4A:AB:D0:F6", "02:cd:12:01:00:01"])
def test_a_fingerprint_or_a_mac_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Rich takes :ab: and :cd: for names of pictures, and a pipe in Korean Windows' code page has none of those."""
    terminal(stderr=False).print(f"pc1 shows {text}")
    assert capsys.readouterr().out == f"pc1 shows {text}\n"
