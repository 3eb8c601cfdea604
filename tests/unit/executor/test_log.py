"""Each run leaves a log of all that it said and of how it ended, and no secret in it."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from invoke import Context
from rich.console import Console
from rich.table import Table

from labkit.controller import keys, log, secrets
from labkit.controller.secrets import Secret
from labkit.errors import ConsentError, LabError, LockedError, MissingError, RefusedError, UnreachableError
from labkit.session import Session, session
from tasks import ns
from tests.unit.executor.conftest import Run, Tasks


def logs(own_state: Path) -> dict[str, str]:
    """The logs by the task that each is named after."""
    return {file.stem.split("-", 2)[2]: file.read_text("utf-8") for file in (own_state / "7e57" / "logs").iterdir()}


def saying(*things: Any) -> Any:
    """A task that prints these, one on each of its two consoles in turn."""

    def body(c: Context) -> None:
        s = session(c)
        for number, thing in enumerate(things):
            (s.output, s.console)[number % 2].print(thing, soft_wrap=True)

    return body


def test_all_that_a_run_said_stands_in_its_log(run: Run, own_state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("a heading")
    table.add_row("이더넷")
    monkeypatch.setattr(ns["lab.status"], "body", saying("[bold]loud[/bold]", "x " * 200, table))
    run("lab.status")
    text = logs(own_state)["lab.status"]
    assert "loud\n" in text
    assert "x " * 200 in text
    assert "이더넷" in text
    assert "\x1b" not in text
    assert text.endswith("exit code 0\n")


def test_what_a_terminal_draws_over_again_is_not_in_it(session: Session) -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with session.log.kept("lab.up", "inv lab.up", console), console.status("spinning"):
        console.print("lasting")
    (file,) = log.newest(session.state)
    assert [line.split(" ", 1)[1] for line in file.read_text().splitlines()][2:] == ["lasting", "exit code 0"]


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (UnreachableError("pc2 does not answer", "switch it on"), 3, "hint: switch it on"),
        (KeyError("oops"), 1, "raise self.failing[name]"),  # of a mistake where it was made
        (ConnectionResetError("reset"), 1, "ConnectionResetError: reset"),
        (KeyboardInterrupt(), 130, "stopped by Ctrl-C"),
    ],
)
def test_a_log_ends_with_what_ended_the_run(
    tasks: Tasks, run: Run, own_state: Path, raised: BaseException, code: int, words: str
) -> None:
    tasks.failing["lab.check"] = raised
    with pytest.raises(BaseException):  # noqa: B017 - each its own
        run("lab.check")
    text = logs(own_state)["lab.check"]
    assert "Traceback" in text
    assert words in text
    assert text.endswith(f"exit code {code}\n")


SECRETS = {
    "a password": "Winter-2026!",
    "a password that JSON writes otherwise": 'q"uo\\te',
    "one that was typed": "typed-Pässword",
    "kubeadm's token": "abcdef.0123456789abcdef",
    "a certificate key": "certificate-key " + "0f" * 32,
    "a ServiceAccount's token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2lnbmF0dXJlLW9mLWl0",
    "a kickstart's hash": "$6$saltsalt$hashhashhash/hash",
    "a key in the admin's kubeconfig": "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURQ==",
}


@pytest.fixture
def every_secret(session: Session, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """All secrets that a lab has: those of SECRETS, and both private keys."""
    monkeypatch.setenv("LAB_PASSWORD", SECRETS["a password"])
    monkeypatch.setenv("LAB_PASSWORD_PC2", SECRETS["a password that JSON writes otherwise"])
    monkeypatch.setattr(secrets, "_typed", {"LAB_PASSWORD_PC1": Secret(SECRETS["one that was typed"])})
    keys.ensure_lab_keys(session.state, "lab-7e57", "bootstrap")
    files = (session.state.private_key, session.state.bootstrap / keys.HOST_KEY)
    return SECRETS | {file.name: file.read_text() for file in files}


def test_no_secret_is_in_a_log_or_the_journal(
    tasks: Tasks, run: Run, own_state: Path, every_secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (*every_secret.values(), *map(json.dumps, every_secret.values()))
    monkeypatch.setattr(ns["hyperv.create"], "body", saying(*said))
    tasks.failing["pxe.setup"] = LabError(every_secret.values(), every_secret.values())
    with pytest.raises(LabError):
        run("hyperv.create", "pxe.setup")
    kept = [*logs(own_state).values(), (own_state / "7e57" / "journal.jsonl").read_text()]
    values = [word for text in every_secret.values() for word in text.split() if len(word) > 7 and "-key" not in word]
    shapes = set(values) | {json.dumps(value)[1:-1] for value in values}
    assert [value for value in shapes if any(value in text for text in kept)] == []
    assert "***" in kept[0]


def test_old_logs_go_and_a_task_in_a_loop_pushes_out_its_own_only(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.state.prepare()
    session.state.logs.mkdir()
    (session.state.logs / "20260101-000000.000000-lab.rebuild.log").write_text("x" * 500)
    for number in range(30):
        (session.state.logs / f"20260201-000000.0000{number:02}-lab.status.log").write_text("x" * 500)
    run("lab.status")
    kept = [file.name.split("-", 2)[2] for file in log.newest(session.state)]
    assert kept == ["lab.status.log"] * log.KEPT_OF_EACH + ["lab.rebuild.log"]
    monkeypatch.setattr(log, "WHOLE_BYTES", 2000)
    log.prune(session.state.logs)
    assert sum(file.stat().st_size for file in log.newest(session.state)) <= 2000


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_a_log_is_its_owners_alone(run: Run, session: Session) -> None:
    run("lab.status")
    assert [path.stat().st_mode & 0o077 for path in (session.state.logs, *log.newest(session.state))] == [0, 0]


def test_a_run_goes_on_where_no_log_can_be_kept(
    tasks: Tasks, run: Run, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.state.prepare()
    session.state.logs.write_text("a file where the folder belongs")
    assert run("lab.status") == ["lab.status"]
    assert "no log of this run is kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "offered"),
    [
        (LabError("no space", "make some"), True),
        (UnreachableError("pc2 does not answer"), True),
        (RefusedError("the PC is not ready"), True),
        (MissingError("no key", "inv os.bootstrap"), False),
        (ConsentError("nobody agreed"), False),
        (LockedError("ann has it"), False),
    ],
)
def test_the_last_hint_of_a_failed_run_names_the_bundle(
    tasks: Tasks, run: Run, raised: LabError, offered: bool
) -> None:
    tasks.failing["pxe.setup"] = raised
    with pytest.raises(LabError) as failure:
        run("pxe.setup")
    hints = [line for line in str(failure.value).splitlines() if line.startswith("hint: ")]
    named = [line for line in hints if "rehearsal.yaml lab.bundle` puts what a bug report needs" in line]
    assert named == hints[-1:] if offered else named == []


def test_a_mistake_of_ours_names_the_bundle_too(tasks: Tasks, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    tasks.failing["lab.status"] = KeyError("oops")
    with pytest.raises(KeyError):
        run("lab.status")
    assert "lab.bundle`" in capsys.readouterr().err


def test_the_journal_keeps_how_a_run_failed(tasks: Tasks, run: Run, session: Session) -> None:
    tasks.failing["hyperv.check"] = RefusedError("pc2 sleeps", "keep it awake")
    with pytest.raises(RefusedError):
        run("hyperv.create")
    last = session.journal.rows()[-1]
    told = {key: last[key] for key in ("event", "code", "task", "problems", "hints")}
    assert told == {
        "event": "done", "code": 6, "task": "hyperv.check", "problems": ["pc2 sleeps"], "hints": ["keep it awake"],
    }  # fmt: skip
