"""The bootstrap server, waiting, reinstalling, entering: the work on one machine."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit

from labkit.description.choice import chosen
from labkit.errors import ConsentError, DeadlineError, MissingError
from labkit.machines import bootstrap, enter, entry, reinstall, wait
from labkit.session import Session
from tests.labs import delivered


@pytest.fixture
def silent_bootstrap(session: Session, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bootstrap server is off and nobody installed it."""
    world.running.clear()
    monkeypatch.setattr(session.machines, "is_up", lambda machine: False)

    def silent(*_: Any, **__: Any) -> Any:
        raise DeadlineError("bootstrap does not answer by SSH after 1 s: no SSH connection")

    monkeypatch.setattr(wait, "for_ssh", silent)


@pytest.mark.usefixtures("silent_bootstrap")
def test_a_blank_bootstrap_server_is_started_from_its_boot_disk_and_given_an_installations_time(
    session: Session, world: Any
) -> None:
    world.boot_disk = "blank"
    with pytest.raises(DeadlineError, match="it was being installed from the DVD") as error:
        bootstrap.bootstrap(session)
    assert world.calls == ["insert boot disk", "start bootstrap"]
    assert "inv hyperv.stop --machine bootstrap --cut-power os.bootstrap" in str(error.value.hint)
    assert "external.nat" not in str(error.value)


@pytest.mark.usefixtures("silent_bootstrap")
def test_an_installation_under_way_is_gone_on_with(session: Session, world: Any) -> None:
    world.boot_disk = "in"
    with pytest.raises(DeadlineError, match="it was being installed from the DVD"):
        bootstrap.bootstrap(session)
    assert world.calls == ["start bootstrap"]


@pytest.mark.usefixtures("silent_bootstrap")
def test_a_bootstrap_server_whose_disk_holds_something_is_only_started(session: Session, world: Any) -> None:
    with pytest.raises(DeadlineError, match="its disk holds something") as error:
        bootstrap.bootstrap(session)
    assert world.calls == ["start bootstrap"]
    assert "`inv os.reinstall --machine bootstrap` installs it anew" in str(error.value.hint)


def test_the_boot_disk_goes_once_the_bootstrap_server_answers(session: Session, world: Any) -> None:
    world.boot_disk = "in"
    assert bootstrap.bootstrap(session)
    assert world.calls == ["remove boot disk"]


@pytest.mark.usefixtures("silent_bootstrap")
@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_behind_nat_another_pc_is_told_that_it_cannot_reach_the_bootstrap_server(session: Session) -> None:
    with pytest.raises(DeadlineError) as error:
        bootstrap.bootstrap(session)
    assert "only the PC pc1 itself reaches it: type `inv` there" in str(error.value.hint)


def test_without_keys_the_bootstrap_server_counts_as_missing(session: Session) -> None:
    assert bootstrap.missing(session) == "the lab's SSH keys are not made yet"


def test_waiting_tells_the_last_reason(session: Session) -> None:
    with pytest.raises(DeadlineError, match=r"w1 does not answer by SSH after 0 s: w1 \(10.190.86.13\): no SSH"):
        wait.for_ssh(session, session.lab.machine("w1"), 0.05)


def test_waiting_can_be_stopped_by_another_thread(session: Session) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(DeadlineError, match="w1: not waited for any longer"):
        wait.for_ssh(session, session.lab.machine("w1"), 60, stop)


def test_waiting_for_several_names_each_silent_one_and_waits_for_the_others(session: Session, world: Any) -> None:
    world.up = {"cp1"}
    world.pin(session, "cp1")
    with pytest.raises(DeadlineError, match="2 machines do not answer") as error:
        wait.for_all(session, [session.lab.machine(name) for name in ("cp1", "w1", "w2")], 0.1)
    assert "w1 does not answer" in str(error.value)
    assert "w2 does not answer" in str(error.value)


def test_reinstalling_asks_before_anything_is_done(
    session: Session, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.hyperv.discard.find", lambda s, names: list(names))
    monkeypatch.setattr("labkit.hyperv.discard.describe", lambda resets: [f"system disk of {name}" for name in resets])
    entry.prepare(session.lab, session.state)
    reset: list[str] = []
    monkeypatch.setattr("labkit.hyperv.discard.reset", lambda s, resets: reset.extend(resets))
    with pytest.raises(ConsentError):
        reinstall.reinstall(session, "w2", dry=False)
    assert reinstall.reinstall(session, "w2", dry=True) is False
    assert (reset, world.calls) == ([], [])
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    assert reinstall.reinstall(session, "w2", dry=False) is True
    assert reset == ["w2"]
    assert "w2" in world.installed


def test_the_bootstrap_server_is_installed_from_the_dvd_again_and_nobody_else(
    session: Session, world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def reset(_: Session, names: list[str]) -> None:
        world.running -= set(names)
        world.boot_disk = "blank"

    answers = iter([False, True])
    monkeypatch.setattr("labkit.hyperv.discard.find", lambda s, names: list(names))
    monkeypatch.setattr("labkit.hyperv.discard.describe", lambda resets: [f"system disk of {name}" for name in resets])
    monkeypatch.setattr("labkit.hyperv.discard.reset", reset)
    monkeypatch.setattr(session.machines, "is_up", lambda machine: next(answers))
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    assert reinstall.reinstall(session, "bootstrap", dry=False)
    assert world.calls == ["insert boot disk", "start bootstrap", "remove boot disk"]
    assert "what bootstrap fetched and logged" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "w9"])
def test_reinstalling_no_machine_is_refused(session: Session, name: str) -> None:
    with pytest.raises(MissingError):
        reinstall.reinstall(session, name, dry=False)


def test_a_misspelt_machine_is_told_with_the_names_there_are(session: Session) -> None:
    with pytest.raises(MissingError, match="there is no machine 'w9'") as error:
        chosen(session.lab, "w9")
    assert "cp1, w1, w2, w3, storage1" in str(error.value)


def test_entering_runs_ssh_with_the_labs_configuration_and_its_code(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "bin" / "ssh"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\nexit 7\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    entry.prepare(session.lab, session.state)
    with pytest.raises(Exit) as end:
        enter.enter(session, "w1", "uname -r; id")
    assert end.value.code == 7
    words = (tmp_path / "words").read_text().splitlines()
    assert words == ["-F", str(session.state.ssh_config), "w1", "uname -r; id"]


def test_entering_before_there_are_keys_names_the_task_that_makes_them(session: Session) -> None:
    with pytest.raises(MissingError) as error:
        enter.enter(session, "")
    assert "inv os.bootstrap" in str(error.value)
