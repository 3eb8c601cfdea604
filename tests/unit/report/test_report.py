"""The report tells of the last run that changed the lab, and of nothing else."""

from __future__ import annotations

import pytest

from labkit.errors import ConfigError
from labkit.line import report
from labkit.session import Session


def made(session: Session, command: str, *steps: str, changed: bool | None = True) -> None:
    session.journal.write("run", command=command)
    for name in steps:
        session.journal.write("start", step=name)
        session.journal.write("end", step=name, result="ok", seconds=3.0, changed=changed)
    session.journal.write("done")


def told(session: Session) -> list[tuple[str, str]]:
    return [(line.step, line.result) for line in report.lines(report.last_run(session.journal.rows()))]


def test_it_tells_of_the_last_run_alone(session: Session) -> None:
    made(session, "inv lab.rebuild", "lab.discard", "hyperv.create")
    made(session, "inv lab.up", "hyperv.create", changed=False)
    with session.journal.step("lab.check"):
        pass
    assert told(session) == [("hyperv.create", "no change")]


def test_a_run_that_was_killed_is_told_as_far_as_it_went(session: Session) -> None:
    session.journal.write("run", command="inv lab.up")
    session.journal.write("end", step="hyperv.create", result="failed", seconds=1.0, changed=None)
    assert told(session) == [("hyperv.create", "failed")]


def test_a_satisfied_prerequisite_is_told_a_missing_one_only_by_its_work(session: Session) -> None:
    session.journal.write("run", command="inv k8s.join")
    session.journal.write("probe", step="hyperv.create", missing=None)
    session.journal.write("probe", step="pxe.setup", missing="nginx is off")
    assert told(session) == [("hyperv.create", "satisfied")]


def test_the_machine_that_took_longest_is_named(session: Session) -> None:
    session.journal.write("run", command="inv os.install")
    session.journal.write("times", step="os.install", times={"w1": 31.0, "w2": 44.4})
    session.journal.write("times", step="k8s.join", times={"w3": 99.0})
    session.journal.write("end", step="os.install", result="ok", seconds=50.0, changed=True)
    (line,) = report.lines(report.last_run(session.journal.rows()))
    assert line.slowest == "w2 44.4 s"


def test_each_stand_in_is_named_once_with_all_who_have_it() -> None:
    said = [*((name, "swap is a stand-in") for name in ("w2", "w1", "w2")), ("w3: swap", "other")]
    rows = [{"event": "note", "source": source, "text": text} for source, text in said]
    assert report.notes(rows) == ["w1, w2: swap is a stand-in", "w3: swap: other"]


def test_the_closing_table_has_seconds_shares_and_the_total(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    made(session, "inv lab.up", "hyperv.create", "pxe.setup", "os.install")
    report.closing(session)
    shown = capsys.readouterr().err
    assert "total 9.0 s" in shown
    assert "33 %" in shown
    assert "hyperv.create" in shown


def test_nothing_run_yet_is_said(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(session)
    assert "nothing was run" in capsys.readouterr().out


def failed(session: Session, command: str) -> None:
    session.journal.write("run", command=command)
    session.journal.write("done", code=6, task="lab.check", problems=["pc2 sleeps"], hints=["type `inv hyperv.check`"])


def test_a_run_that_failed_before_its_first_stage_says_so(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    failed(session, "inv lab.destroy")
    session.inv = "inv -f my.yaml"
    report.show(session)
    assert capsys.readouterr().out.splitlines() == [
        "inv lab.destroy: ended before its first stage",
        "failed in lab.check, exit code 6",
        "error: pc2 sleeps",
        "hint: type `inv -f my.yaml hyperv.check`",
    ]


def test_runs_before_the_last_are_told_when_asked_for(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    made(session, "inv lab.rebuild", "lab.discard", "hyperv.create")
    failed(session, "inv os.reinstall --machine w9")
    failed(session, "inv os.reinstall --machine w8")
    report.show(session, "2")
    assert "w9" in (shown := capsys.readouterr().out)
    assert "lab.rebuild" not in shown
    report.show(session, "9")
    assert "lab.discard" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="--last takes a number"):
        report.show(session, "all")
