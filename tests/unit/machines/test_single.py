"""The bootstrap server, waiting, reinstalling, entering: the work on one machine."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit

from labkit.controller import keys
from labkit.errors import ConsentError, DeadlineError, MissingError, RefusedError
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


def bootstrap_disk(session: Session) -> str | None:
    """The disk that is noted beside its key."""
    return keys.pinned_disks(session.state).get(str(session.lab.bootstrap.external.address))


@pytest.mark.usefixtures("silent_bootstrap")
def test_a_blank_bootstrap_server_is_started_from_its_boot_disk_and_given_an_installations_time(
    session: Session, world: Any
) -> None:
    world.boot_disk = "blank"
    with pytest.raises(DeadlineError, match="it was being installed from the DVD") as error:
        bootstrap.bootstrap(session)
    assert world.calls == ["insert boot disk", "start bootstrap"]
    assert bootstrap_disk(session) == world.disks["bootstrap"]
    assert "inv hyperv.stop --machine bootstrap --cut-power os.bootstrap" in str(error.value.hint)
    assert "external.nat" not in str(error.value)


@pytest.mark.usefixtures("silent_bootstrap")
def test_an_installation_under_way_is_gone_on_with(session: Session, world: Any) -> None:
    world.boot_disk = "in"
    entry.prepare(session.lab, session.state)
    with pytest.raises(DeadlineError, match="it was being installed from the DVD"):
        bootstrap.bootstrap(session)
    assert world.calls == ["start bootstrap"]


@pytest.mark.usefixtures("silent_bootstrap")
def test_a_bootstrap_server_whose_disk_holds_something_is_only_started(session: Session, world: Any) -> None:
    entry.prepare(session.lab, session.state)
    with pytest.raises(DeadlineError, match="its disk holds something") as error:
        bootstrap.bootstrap(session)
    assert world.calls == ["start bootstrap"]
    assert "`inv os.reinstall --machine bootstrap` installs it anew" in str(error.value.hint)


@pytest.mark.usefixtures("silent_bootstrap")
@pytest.mark.parametrize("runs", [False, True])
def test_no_key_is_made_for_a_bootstrap_server_that_another_key_opens(session: Session, world: Any, runs: bool) -> None:
    """Its key made, the next rebuild would take it for one that opens the lab."""
    world.running = {"bootstrap"} if runs else set()
    with pytest.raises(RefusedError, match=r"bootstrap.*no key") as refusal:
        bootstrap.bootstrap(session)
    assert "inv lab.import FILE" in str(refusal.value.hint)
    assert "was installed" not in refusal.value.problem
    assert world.calls == []
    assert not session.state.private_key.exists()


def test_once_it_answers_the_boot_disk_goes_and_its_disk_is_noted_beside_its_key(session: Session, world: Any) -> None:
    world.boot_disk = "in"
    entry.prepare(session.lab, session.state)
    assert bootstrap_disk(session) != world.disks["bootstrap"]
    assert bootstrap.bootstrap(session)
    assert bootstrap_disk(session) == world.disks["bootstrap"]
    assert world.calls == ["remove boot disk"]


def test_a_host_key_that_is_gone_here_is_fetched_from_a_bootstrap_server_that_lets_us_in(
    session: Session, world: Any
) -> None:
    entry.prepare(session.lab, session.state)
    lost = session.state.bootstrap / keys.HOST_KEY
    world.host_key = lost.read_text()
    lost.unlink()
    assert bootstrap.bootstrap(session)
    assert lost.read_text() == world.host_key


@pytest.mark.parametrize("told", ["", "no key", "another"])
def test_a_host_key_that_does_not_fit_the_pinned_one_is_not_taken(session: Session, world: Any, told: str) -> None:
    entry.prepare(session.lab, session.state)
    (session.state.bootstrap / keys.HOST_KEY).unlink()
    world.host_key = keys.make_key_pair("other")[0] if told == "another" else told
    with pytest.raises(RefusedError, match="ssh_host_ed25519_key is gone"):
        bootstrap.bootstrap(session)
    assert not (session.state.bootstrap / keys.HOST_KEY).exists()


@pytest.mark.usefixtures("silent_bootstrap")
@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_behind_nat_another_pc_is_told_that_it_cannot_reach_the_bootstrap_server(session: Session) -> None:
    entry.prepare(session.lab, session.state)
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


@pytest.fixture
def good_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with the hosts, the DVD and the systems that are thrown away."""
    monkeypatch.setattr("labkit.hyperv.check.check", lambda session, only=None: {})
    monkeypatch.setattr("labkit.hyperv.bootdisk.require_dvd", lambda session: None)
    monkeypatch.setattr("labkit.hyperv.discard.find", lambda s, names: list(names))
    monkeypatch.setattr("labkit.hyperv.discard.describe", lambda resets: [f"system disk of {name}" for name in resets])


@pytest.mark.usefixtures("good_hosts")
def test_reinstalling_asks_before_anything_is_done(
    session: Session, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
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


@pytest.mark.usefixtures("good_hosts")
def test_the_bootstrap_server_is_installed_from_the_dvd_again_and_nobody_else(
    session: Session, world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def reset(_: Session, names: list[str]) -> None:
        world.running -= set(names)
        world.boot_disk = "blank"

    answers = iter([False, True])
    monkeypatch.setattr("labkit.hyperv.discard.reset", reset)
    monkeypatch.setattr(session.machines, "is_up", lambda machine: next(answers))
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    assert reinstall.reinstall(session, "bootstrap", dry=False)
    assert world.calls == ["insert boot disk", "start bootstrap", "remove boot disk"]
    assert "what bootstrap fetched and logged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "which machine"), ("w9", r"there is no machine 'w9'[\s\S]*name one of: .*cp1, w1, w2, w3, storage1")],
)
def test_reinstalling_no_machine_is_refused_and_a_misspelt_one_with_the_names_there_are(
    session: Session, name: str, told: str
) -> None:
    with pytest.raises(MissingError, match=told):
        reinstall.reinstall(session, name, dry=False)


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
    assert words == ["-F", "ssh_config", "w1", "uname -r; id"]


def test_entering_before_there_are_keys_names_the_task_that_makes_them(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.machines.enter.shutil.which", str)
    with pytest.raises(MissingError) as error:
        enter.enter(session, "")
    assert "inv os.bootstrap" in str(error.value)
