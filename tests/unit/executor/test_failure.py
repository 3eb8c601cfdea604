"""What a failed, stopped or locked-out line says and leaves behind."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import paramiko
import pytest
from invoke.parser import Argument, ParserContext
from jinja2 import TemplateNotFound

from labkit.errors import ConsentError, InterruptedLabError, LabError, LockedError, MissingError, UnreachableError
from labkit.line import stages
from labkit.project import ROOT
from labkit.session import Session
from tests.unit.executor.conftest import Run, Tasks

INV = f"inv -f {ROOT / 'labs/rehearsal.yaml'}"
REINSTALL = ParserContext("os.reinstall", args=[Argument(name="machine", kind=str)])
REINSTALL.args["machine"].value = "w2"


@pytest.mark.parametrize(
    ("line", "failing", "goes_on"),
    [
        (["hyperv.create", "pxe.setup", "k8s.join"], "k8s.join", "k8s.join"),
        (["lab.rebuild"], "lab.check", "lab.rebuild"),
        (["lab.rebuild"], "pxe.setup", "lab.up"),
        (["k8s.replace"], "k8s.replace", "k8s.replace"),
        (["k8s.replace"], "k8s.join", "k8s.join"),
        ([REINSTALL], "os.reinstall", "os.reinstall --machine w2"),
    ],
    ids=[
        "what is left", "a rebuilding that did not discard", "one that discarded",
        "a replacing that did not discard", "one that discarded, with joining", "its options",
    ],
)  # fmt: skip
def test_a_failed_line_says_what_goes_on_from_there(
    tasks: Tasks, run: Run, line: list[str | ParserContext], failing: str, goes_on: str
) -> None:
    tasks.missing["k8s.join"] = "w2: it has no /etc/kubernetes/kubelet.conf"
    tasks.failing[failing] = UnreachableError("pc2 does not answer")
    with pytest.raises(UnreachableError) as failure:
        run(*line)
    bundle = f"hint: `{INV} lab.bundle` puts what a bug report needs into one file"
    assert str(failure.value) == f"error: pc2 does not answer\n{bundle}\nresume: {INV} {goes_on}"
    assert tasks.ran[-1] == failing


@pytest.mark.parametrize(
    ("line", "failing", "error"),
    [
        ("lab.rebuild", "lab.discard", ConsentError("nobody agreed", "run `inv os.bootstrap`")),
        ("lab.status", "lab.status", MissingError("no key", "run `inv os.bootstrap`")),
    ],
    ids=["refused consent", "a failing read"],
)
def test_what_changed_nothing_suggests_nothing_to_resume_and_its_hint_names_the_labs_file_as_typed(
    tasks: Tasks, run: Run, line: str, failing: str, error: LabError
) -> None:
    tasks.failing[failing] = error
    with pytest.raises(type(error)) as failure:
        run(line)
    assert str(failure.value) == f"error: {error.problem}\nhint: run `{INV} os.bootstrap`"


def test_ctrl_c_ends_with_130_a_command_and_no_lock(tasks: Tasks, run: Run, own_state: Path) -> None:
    tasks.failing["pxe.setup"] = KeyboardInterrupt()
    with pytest.raises(InterruptedLabError) as failure:
        run("hyperv.create", "pxe.setup")
    assert failure.value.code == 130
    assert str(failure.value).endswith(f"\nresume: {INV} pxe.setup")
    assert not (own_state / "7e57" / "lock.json").exists()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (paramiko.SSHException("banner"), UnreachableError),
        (PermissionError(13, "denied"), LabError),
        (ConnectionResetError("reset"), LabError),
        (socket.gaierror(-2, "Name or service not known"), LabError),
    ],
)
def test_a_library_error_becomes_one_that_names_the_task(
    tasks: Tasks, run: Run, raised: Exception, kind: type[LabError]
) -> None:
    tasks.failing["pxe.setup"] = raised
    with pytest.raises(kind, match=r"pxe\.setup: "):
        run("pxe.setup")


@pytest.mark.parametrize("mistake", [KeyError("oops"), TemplateNotFound("dnsmasq.conf.j2")])
def test_a_mistake_of_ours_keeps_its_traceback_and_frees_the_lock(
    tasks: Tasks, run: Run, own_state: Path, mistake: Exception
) -> None:
    tasks.failing["pxe.setup"] = mistake
    with pytest.raises(type(mistake)):
        run("pxe.setup")
    assert not (own_state / "7e57" / "lock.json").exists()


def test_a_setting_that_invoke_cannot_take_from_the_environment_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_LAB_MACHINES", "w1")
    with pytest.raises(LabError, match="Uncastable"):
        run("lab.status")


def test_a_changing_line_waits_for_nobody_and_says_who_has_the_lab(tasks: Tasks, run: Run, session: Session) -> None:
    session.state.prepare()
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "user": "ann", "command": "inv lab.up", "time": "t"}
    session.state.lock.write_text(json.dumps(holder))
    with pytest.raises(LockedError, match="ann"):
        run("lab.up")
    assert tasks.ran == []
    assert run("lab.status") == ["lab.status"]


def test_the_journal_holds_the_line_and_the_probes(run: Run, session: Session) -> None:
    run("pxe.setup")
    events = [(row["event"], row.get("step")) for row in session.journal.rows()]
    assert events == [("run", None), ("probe", "hyperv.create"), ("probe", "os.bootstrap"), ("done", None)]


def test_what_cannot_be_reached_is_not_satisfied(tasks: Tasks, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_session: Session) -> str | None:
        raise UnreachableError("bootstrap does not answer")

    monkeypatch.setitem(stages.STAGES, "pxe.setup", stages.Stage("pxe.setup", unreachable))
    assert run("k8s.join") == ["hyperv.check", "pxe.setup", "k8s.join"]
