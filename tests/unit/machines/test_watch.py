"""pxe.watch and os.wait: every machine's stage as the logs tell it, and no hand on anything."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from labkit.errors import DeadlineError, MissingError
from labkit.machines import watch
from labkit.machines.board import Board
from labkit.session import Session


@pytest.fixture(autouse=True)
def no_hosts(session: Session) -> None:
    """Neither asks a PC for anything: whoever has no password for one may watch."""
    session.hosts = None  # type: ignore[assignment]


def later(seconds: float, work: Any) -> None:
    threading.Timer(seconds, work).start()


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed on the way, without the seconds."""
    return [line.partition(" s  ")[2].strip() for line in capsys.readouterr().err.splitlines()]


def test_watching_ends_when_every_armed_machine_is_installed_or_has_failed(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arm("w1", "w2")
    world.later = [*world.installs("w1"), world.event("w2", "failed", "?reason=no%20disk%20fits")]
    assert watch.until_installed(session, "").splitlines() == [
        "w1: installed",
        "w2: its installation failed: no disk fits",
    ]
    assert shown(capsys) == [
        "w1         kickstart", "w1         installing", "w1         installed", "w2         failed (no disk fits)",
    ]  # fmt: skip
    assert world.calls == []


def test_what_a_machine_does_that_is_not_armed_is_shown_as_that(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arm("w1")
    old = world.event("w3", "kickstart")
    world.clock += 100
    world.log = [old]
    later(0.2, lambda: world.log.extend([world.event("w2", "kickstart"), *world.installs("w1")]))
    watch.until_installed(session, "")
    lines = shown(capsys)
    assert lines[0] == "w2         kickstart (not armed: nothing is installed)"
    assert not [line for line in lines if line.startswith("w3")]  # that was before anybody watched


def test_one_machine_alone_can_be_watched(session: Session, world: Any, capsys: pytest.CaptureFixture[str]) -> None:
    world.arm("w1", "w2")
    world.later = [world.event("w2", "kickstart"), *world.installs("w1")]
    assert watch.until_installed(session, "w1") == "w1: installed"
    assert not [line for line in shown(capsys) if line.startswith("w2")]
    with pytest.raises(MissingError, match="there is no machine 'w9'"):
        watch.until_installed(session, "w9")


def test_a_machine_that_is_armed_while_somebody_watches_is_followed(session: Session, world: Any) -> None:
    def begin() -> None:
        world.arm("w1")
        world.log += world.installs("w1")

    later(0.2, begin)
    assert watch.until_installed(session, "") == "w1: installed"


def test_ctrl_c_is_the_way_out_and_tells_where_everybody_stands(
    session: Session, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.arm("w1")
    world.log = [world.event("w1", "kickstart")]
    monkeypatch.setattr(Board, "tick", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    assert watch.until_installed(session, "") == "w1: at kickstart"


def test_bytes_of_packages_are_counted_once_though_the_stream_breaks(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arm("w1")
    world.breaks = 2
    world.log = [world.package("w1"), world.package("w1")]
    world.later = world.installs("w1")
    watch.until_installed(session, "")
    lines = shown(capsys)
    assert [line for line in lines if "silent" in line] == [
        "bootstrap  silent (bootstrap (192.0.2.100): the connection broke)"
    ]
    assert lines[-1] == "w1         installed (3.0 MB fetched)"


def test_waiting_shows_stages_until_all_answer(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arm("w1")
    world.up = {"w2"}
    world.pin(session, "w1", "w2")
    later(0.1, lambda: world.log.extend(world.installs("w1")))
    assert set(watch.until_ssh(session, "w1")) == {"w1"}
    lines = shown(capsys)
    assert "w1         ssh" in lines
    assert world.calls == []


def test_waiting_ends_with_the_machine_that_does_not_answer(session: Session, world: Any) -> None:
    with pytest.raises(DeadlineError, match="w1 does not answer by SSH after 2 s"):
        watch.until_ssh(session, "w1")
