"""os.status: what is known of each machine, also when the bootstrap server, a host or a VM is away."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.controller import keys
from labkit.errors import UnreachableError
from labkit.machines import status
from labkit.session import Session
from tests.unit.machines.test_progress import armed, installed

Cells = tuple[str, str, str]


def look(session: Session) -> dict[str, Cells]:
    """VM, system and SSH by machine."""
    facts, _ = session.hosts.survey()
    return {row.machine.name: (row.power, row.system, row.ssh) for row in status.rows(session, facts)}


def note_disk(session: Session, world: Any, name: str, disk: str = "") -> None:
    """As it stands in known_hosts once the system on that disk told its key."""
    machine = world.lab.machine(name)
    address = machine.external.address if machine == world.lab.bootstrap else machine.mgmt.address
    keys.pin(session.state, str(address), f"ssh-ed25519 {'A' * 68}", disk or world.disks[name])


def test_each_machine_with_its_vm_its_system_and_its_answer(opened: Session, world: Any) -> None:
    installed(world, "cp1")
    world.pin(opened, "cp1")
    world.up.add("cp1")
    installed(world, "storage1")
    world.running.discard("storage1")
    armed(world, "w1", "kickstart", "installing")
    armed(world, "w2", "kickstart", "failed")
    assert look(opened) == {
        "bootstrap": ("on", "installed", "answers"),
        "cp1": ("on", "installed", "answers"),
        "storage1": ("off", "installed", "silent"),
        "w1": ("on", "armed, installing", "silent"),
        "w2": ("on", "failed after kickstart", "silent"),
        "w3": ("off", "not installed", "silent"),
    }


def test_who_answers_with_its_pinned_key_is_installed_whatever_the_records_say(opened: Session, world: Any) -> None:
    world.running.add("w1")
    world.up.add("w1")
    world.pin(opened, "w1")
    assert look(opened)["w1"] == ("on", "installed", "answers")


@pytest.mark.parametrize(
    ("boot_disk", "runs", "cells"),
    [
        ("blank", False, ("off", "not installed", "silent")),
        ("", False, ("off", "something is on its disk", "silent")),
        ("in", False, ("off", "armed, its boot disk is in", "silent")),
        ("in", True, ("on", "armed, its boot disk is in", "silent")),
        ("", True, ("on", "unknown: it does not answer", "silent")),
    ],
)
def test_the_bootstrap_server_is_judged_as_os_bootstrap_judges_it(
    opened: Session, world: Any, boot_disk: str, runs: bool, cells: Cells
) -> None:
    world.boot_disk, world.deaf = boot_disk, "no SSH connection"
    world.running = {"bootstrap"} if runs else set()
    assert look(opened)["bootstrap"] == cells


@pytest.mark.parametrize("runs", [True, False])
def test_a_silent_bootstrap_server_is_installed_on_the_disk_that_is_noted_beside_its_key(
    opened: Session, world: Any, runs: bool
) -> None:
    world.deaf = "no SSH connection"
    world.running = {"bootstrap"} if runs else set()
    note_disk(opened, world, "bootstrap")
    assert look(opened)["bootstrap"][1] == "installed"
    note_disk(opened, world, "bootstrap", "another1")
    assert look(opened)["bootstrap"][1] != "installed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda world: world.running.discard("bootstrap"), "bootstrap is off"),
        (lambda world: world.disks.pop("bootstrap"), "bootstrap is missing"),
        (lambda world: setattr(world, "deaf", "it refuses [the] key"), "bootstrap (192.0.2.100): it refuses [the] key"),
    ],
)
def test_with_the_bootstrap_server_away_the_hosts_and_the_keys_here_still_tell(
    opened: Session, world: Any, change: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(world, "cp1")
    installed(world, "w1")
    note_disk(opened, world, "w1")
    del world.disks["w3"]
    change(world)
    found = look(opened)
    assert found["cp1"] == ("on", f"unknown: {reason}", "unknown")
    assert found["w1"] == ("on", "installed", "unknown")
    assert found["w2"] == ("off", f"unknown: {reason}", "silent")
    assert found["w3"] == ("none", "-", "-")
    status.show(opened)
    assert reason in " ".join(capsys.readouterr().out.split())


def test_a_bootstrap_server_without_a_vm_is_a_row(opened: Session, world: Any) -> None:
    del world.disks["bootstrap"]
    world.running.clear()
    assert look(opened)["bootstrap"] == ("none", "-", "-")


def test_a_lab_without_a_key_is_told_and_no_machine_is_asked(session: Session, world: Any) -> None:
    installed(world, "w1")
    found = look(session)
    assert found["bootstrap"] == ("on", "unknown: it cannot be asked", "unknown")
    assert found["w1"] == ("on", "unknown: the lab has no SSH key yet (inv os.bootstrap)", "unknown")


def test_a_host_that_does_not_answer_is_told_in_its_machines_rows_and_then_raised(
    opened: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("w2", "w3"):
        installed(world, name)
    world.pin(opened, "w2")
    world.up.add("w2")
    world.silent.add("pc2")
    found = look(opened)
    assert found["w2"] == ("unknown: pc2 does not answer", "installed", "answers")
    assert found["w3"] == ("unknown: pc2 does not answer", "unknown: pc2 does not answer", "silent")
    assert found["cp1"] == ("off", "not installed", "silent")
    with pytest.raises(UnreachableError, match="pc2"):
        status.show(opened)
    assert "storage1" in capsys.readouterr().out


def test_no_vm_is_called_missing_while_hyper_v_does_not_answer(opened: Session, world: Any) -> None:
    world.idle.add("pc2")
    assert look(opened)["w2"][0] == "unknown: Hyper-V on pc2 does not answer"
