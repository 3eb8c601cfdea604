"""How far each machine is: Hyper-V's word, and the bootstrap server's within seconds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from labkit.errors import UnreachableError
from labkit.machines import diagnosis
from labkit.machines import progress as module
from labkit.machines.progress import Progress, progress
from labkit.pxe import server
from labkit.session import Session


def look(session: Session) -> Progress:
    return progress(session, session.hosts.read())


def armed(world: Any, name: str, *stages: str, disk: str = "") -> None:
    world.running.add(name)
    world.record("armed", name, disk)
    world.log += [world.event(name, stage) for stage in stages]


def installed(world: Any, name: str, disk: str = "") -> None:
    world.running.add(name)
    world.record("installed", name, disk)


def test_every_machine_has_the_stage_that_it_reached(opened: Session, world: Any) -> None:
    armed(world, "w1", "kickstart", "installing")
    armed(world, "w2")
    armed(world, "w3", "kickstart", "failed")
    installed(world, "cp1")
    installed(world, "storage1")
    world.up.add("cp1")
    assert look(opened) == Progress(
        {"bootstrap": "ssh", "w1": "installing", "w2": "powered", "w3": "failed", "cp1": "ssh", "storage1": "installed"}
    )


def test_what_is_recorded_of_another_disk_counts_for_nothing(opened: Session, world: Any) -> None:
    installed(world, "w1", disk="0123abcd")
    armed(world, "w2", "kickstart", disk="0123abcd")
    stages = look(opened).stages
    assert (stages["w1"], stages["w2"]) == ("powered", "powered")


def test_machines_that_are_off_or_not_there_are_told_without_asking_anybody(opened: Session, world: Any) -> None:
    world.running.clear()
    del world.disks["w3"]
    found = look(opened)
    assert set(found.stages.values()) == {"off"}
    assert "w3" not in found.stages
    assert found.caveat == ""
    assert world.calls == []


def test_without_a_key_hyperv_alone_is_heard_and_this_is_said(session: Session, world: Any) -> None:
    world.running.add("w1")
    found = look(session)
    assert (found.stages["w1"], found.stages["w2"]) == ("powered", "off")
    assert found.caveat == "stages as Hyper-V tells them: the lab has no SSH key yet (inv os.bootstrap)"


@pytest.mark.parametrize(("change", "reason"), [("off", "bootstrap is off"), ("gone", "bootstrap is missing")])
def test_a_bootstrap_server_that_cannot_answer_is_not_waited_for(
    opened: Session, world: Any, change: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.running = {"w1"}
    if change == "gone":
        del world.disks["bootstrap"]
    monkeypatch.setattr(opened.machines, "listens", None)  # calling it would fail
    assert look(opened).caveat == f"stages as Hyper-V tells them: {reason}"


def test_a_bootstrap_server_that_is_silent_or_slow_is_said_in_a_line(
    opened: Session, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(world, "w1")
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    hangs = threading.Event()

    def hang(remote: Any) -> None:
        hangs.wait(30)
        raise UnreachableError("bootstrap: the connection broke")

    monkeypatch.setattr(server, "read_records", hang)
    found = look(opened)
    hangs.set()
    assert (found.stages["w1"], found.caveat) == (
        "powered", "stages as Hyper-V tells them: bootstrap takes more than 0 s to answer"
    )  # fmt: skip
    monkeypatch.setattr(opened.machines, "listens", lambda timeout_s: False)
    assert look(opened).caveat.endswith("bootstrap does not answer by SSH")


def test_a_bootstrap_server_that_refuses_is_quoted(opened: Session, world: Any) -> None:
    installed(world, "w1")
    world.deaf = "it refuses the lab's SSH key"
    assert look(opened).caveat.endswith("it refuses the lab's SSH key")


def test_three_machines_may_load_the_installer_over_a_slow_cable_before_one_counts_as_stuck() -> None:
    installer_bytes, cable_bits_s = 1_270_000_000, 100_000_000  # Rocky 9.8's images/install.img
    assert diagnosis.LIMIT_S["kernel"] > 2 * 3 * installer_bytes * 8 / cable_bits_s
