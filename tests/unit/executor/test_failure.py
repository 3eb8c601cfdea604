"""What a failed, stopped or locked-out line says and leaves behind."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import paramiko
import pytest
from invoke import Context
from invoke.parser import Argument, ParserContext
from jinja2 import TemplateNotFound

from labkit.errors import ConsentError, InterruptedLabError, LabError, LockedError, MissingError, UnreachableError
from labkit.line import stages
from labkit.project import ROOT as PROJECT
from labkit.session import Session
from tests.unit.executor.fakes import Run, Tasks


def resumed(error: LabError) -> str:
    return next(line for line in str(error).splitlines() if line.startswith("resume: ")).removeprefix("resume: ")


def test_a_failed_line_says_what_is_left_of_it(tasks: Tasks, run: Run) -> None:
    tasks.failing["k8s.join"] = LabError("w1 did not join")
    with pytest.raises(LabError) as failure:
        run("hyperv.create", "pxe.setup", "k8s.join")
    assert resumed(failure.value).startswith("inv -f ")
    assert resumed(failure.value).endswith("labs/rehearsal.yaml k8s.join")
    assert str(failure.value).startswith("error: w1 did not join\n")


def test_every_command_of_a_failed_line_names_the_labs_file_as_typed(tasks: Tasks, run: Run) -> None:
    tasks.failing["lab.status"] = MissingError("no key", "run `inv os.bootstrap`")
    with pytest.raises(MissingError) as failure:
        run("lab.status")
    assert str(failure.value) == f"error: no key\nhint: run `inv -f {PROJECT / 'labs/rehearsal.yaml'} os.bootstrap`"


def test_a_rebuilding_that_discarded_goes_on_with_lab_up(tasks: Tasks, run: Run) -> None:
    tasks.failing["pxe.setup"] = LabError("no space")
    with pytest.raises(LabError) as failure:
        run("lab.rebuild")
    assert resumed(failure.value).endswith(" lab.up")


def test_a_rebuilding_that_did_not_discard_is_repeated(tasks: Tasks, run: Run) -> None:
    tasks.failing["lab.check"] = UnreachableError("pc2 does not answer")
    with pytest.raises(UnreachableError) as failure:
        run("lab.rebuild")
    assert resumed(failure.value).endswith(" lab.rebuild")
    assert tasks.ran == ["lab.check"]


@pytest.mark.parametrize(("failing", "goes_on"), [("k8s.replace", "k8s.replace"), ("k8s.join", "k8s.join")])
def test_a_replacing_goes_on_with_joining_once_the_old_system_is_gone(
    tasks: Tasks, run: Run, failing: str, goes_on: str
) -> None:
    tasks.missing["k8s.join"] = "w2: it has no /etc/kubernetes/kubelet.conf"
    tasks.failing[failing] = LabError("no")
    with pytest.raises(LabError) as failure:
        run("k8s.replace")
    assert resumed(failure.value).endswith(f" {goes_on}")


def test_options_are_part_of_the_command_that_goes_on(tasks: Tasks, run: Run) -> None:
    def reinstall(c: Context, machine: str) -> None:
        raise LabError(f"{machine} did not come back")

    tasks.made["os.reinstall"].body = reinstall
    typed = ParserContext("os.reinstall", args=[Argument(name="machine", kind=str)])
    typed.args["machine"].value = "w2"
    with pytest.raises(LabError) as failure:
        run(typed)
    assert resumed(failure.value).endswith(" os.reinstall --machine w2")


def test_refused_consent_suggests_no_other_command(tasks: Tasks, run: Run) -> None:
    tasks.failing["lab.discard"] = ConsentError("nobody agreed", "set LAB_ASSUME_YES")
    with pytest.raises(ConsentError) as failure:
        run("lab.rebuild")
    assert "resume" not in str(failure.value)


def test_a_failing_read_suggests_nothing_to_resume(tasks: Tasks, run: Run) -> None:
    tasks.failing["lab.status"] = MissingError("nothing there")
    with pytest.raises(MissingError) as failure:
        run("lab.status")
    assert "resume" not in str(failure.value)


def test_ctrl_c_ends_with_130_a_command_and_no_lock(tasks: Tasks, run: Run, own_state: Path) -> None:
    tasks.failing["pxe.setup"] = KeyboardInterrupt()
    with pytest.raises(InterruptedLabError) as failure:
        run("hyperv.create", "pxe.setup")
    assert failure.value.code == 130
    assert resumed(failure.value).endswith(" pxe.setup")
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


def test_a_line_that_changes_waits_for_nobody_and_says_who_has_the_lab(tasks: Tasks, run: Run, own_state: Path) -> None:
    folder = own_state / "7e57"
    folder.mkdir(parents=True)
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": "ann",
        "command": "inv lab.rebuild",
        "time": "t",
    }
    (folder / "lock.json").write_text(json.dumps(holder))
    with pytest.raises(LockedError, match="ann"):
        run("lab.up")
    assert tasks.ran == []
    assert run("lab.status") == ["lab.status"]


def test_the_journal_holds_the_line_and_the_probes(run: Run, session: Session) -> None:
    run("k8s.join")
    events = [(row["event"], row.get("step")) for row in session.journal.rows()]
    assert events == [("run", None), ("probe", "hyperv.create"), ("probe", "pxe.setup"), ("done", None)]


def test_what_cannot_be_reached_is_not_satisfied(tasks: Tasks, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_session: Session) -> str | None:
        raise UnreachableError("bootstrap does not answer")

    monkeypatch.setitem(stages.STAGES, "pxe.setup", stages.Stage("pxe.setup", unreachable))
    assert run("k8s.join") == ["hyperv.check", "pxe.setup", "k8s.join"]
