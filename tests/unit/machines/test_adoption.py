"""A machine that answers by SSH with its pinned key is healthy, whatever a record says: it is recorded, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.controller import keys
from labkit.errors import LabError
from labkit.machines.install import install
from labkit.session import Session
from tests.unit.machines.conftest import KEY, NETWORK

OLD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOLDOLDOLDOLDHkOmt0FyHnCEzIYqQpN7oDzKz1cVqBcc"


@pytest.fixture(autouse=True)
def installed(session: Session, world: Any) -> None:
    """The lab was installed from this controller; then the bootstrap server forgot it all."""
    install(session)
    world.lose_records()
    world.calls.clear()


def make_blank(world: Any, name: str, disk: str = "feedf00d") -> None:
    """As lab.discard does it: off, with another disk."""
    world.turn_off(name)
    world.disks[name] = disk


def scripts(world: Any, name: str) -> list[str]:
    return [call for call in world.calls if call.startswith(name)]


def whole(world: Any) -> bool:
    """Whether every machine is recorded on its disk and nobody is armed or lost power."""
    disks = {name: row["disk"] for name, row in world.installed.items()}
    untouched = not world.armed and not scripts(world, "cut") and not scripts(world, "stop")
    return untouched and disks == {name: world.disks[name] for name in NETWORK}


@pytest.mark.parametrize("armed", [[], NETWORK], ids=["not armed", "armed before"])
@pytest.mark.parametrize(("off", "tries"), [([], 0), ([], 3), (NETWORK, 0)], ids=["they answer", "they boot", "off"])
def test_machines_whose_disks_are_finished_are_recorded_once_they_answer_instead_of_being_armed(
    session: Session, world: Any, armed: list[str], off: list[str], tries: int
) -> None:
    world.arm(*armed)
    world.turn_off(*off)
    world.slow = dict.fromkeys(NETWORK, tries)
    assert install(session) is True
    assert scripts(world, "pxe-arm.sh") == []
    assert scripts(world, "start") == [f"start {name}" for name in off]
    assert whole(world)


def test_a_record_of_another_disk_does_not_speak_against_a_machine_that_answers(session: Session, world: Any) -> None:
    world.record("installed", "w2", "0ld00000")
    world.known_hosts[world.address("w2")] = OLD
    install(session)
    assert scripts(world, "pxe-arm.sh") == []
    assert whole(world)
    assert keys.pinned(session.state)[world.address("w2")] == KEY


@pytest.mark.usefixtures("short_limits")
def test_machines_of_which_nothing_is_known_are_neither_armed_nor_cut_while_their_systems_run(
    session: Session, world: Any
) -> None:
    """`.lab/` was moved away and the bootstrap server made anew; then somebody typed `inv lab.up`."""
    session.state.known_hosts.unlink()
    make_blank(world, "w2")
    with pytest.raises(LabError, match="4 machines are not installed") as failure:
        install(session)
    for name in ("cp1", "w1", "w3", "storage1"):
        assert f"{name} runs and takes SSH connections" in str(failure.value)
        assert f"inv os.reinstall --machine {name}" in str(failure.value)
    assert "inv lab.import FILE" in str(failure.value)
    assert scripts(world, "pxe-arm.sh") == ["pxe-arm.sh w2=feedf00d"]
    assert [call for call in world.calls if call.startswith(("cut", "stop")) and "w2" not in call] == []
    assert set(world.installed) == {"w2"}


@pytest.mark.usefixtures("short_limits")
def test_a_machine_of_which_nothing_is_known_and_that_was_off_does_not_lose_its_power_once_its_system_runs(
    session: Session, world: Any
) -> None:
    """It is armed, and boots from its disk all the same."""
    keys.pin(session.state, world.address("w3"), OLD)
    world.turn_off("w3")
    with pytest.raises(LabError, match="w3 takes SSH connections, and no key here opens it"):
        install(session)
    assert scripts(world, "cut") == scripts(world, "stop") == []


def test_a_disk_that_was_made_blank_is_installed_at_once_though_its_old_key_is_known(
    session: Session, world: Any
) -> None:
    world.turn_off(*NETWORK)
    make_blank(world, "w2")
    world.slow["w2"] = 10**6  # whoever waited for it would wait in vain
    world.behave = lambda world, machine: (world.slow.clear(), world.installs(machine))[1]
    install(session)
    assert scripts(world, "pxe-arm.sh") == ["pxe-arm.sh w2=feedf00d"]
    assert world.calls.index("start w2") > world.calls.index("pxe-arm.sh w2=feedf00d")
    assert whole(world)


def test_a_finished_disk_whose_system_stays_silent_is_neither_armed_nor_cut_and_is_told(
    session: Session, world: Any
) -> None:
    world.turn_off(*NETWORK)
    world.slow["w3"] = 10**6
    with pytest.raises(LabError, match=r"w3 does not answer by SSH after 2 s.*not installed again") as failure:
        install(session)
    assert "inv os.reinstall --machine w3" in str(failure.value)
    assert scripts(world, "pxe-arm.sh") == scripts(world, "cut") == []
    assert set(world.installed) == set(NETWORK) - {"w3"}


def test_an_installation_that_took_a_finished_disk_is_followed_to_its_end(session: Session, world: Any) -> None:
    world.arm("w1")
    world.up.discard("w1")
    world.log, world.later = [world.event("w1", "kickstart")], world.installs("w1")
    world.slow["w1"] = 1
    install(session)
    assert "pxe-arm.sh w1=00000003" not in world.calls
    assert whole(world)


@pytest.mark.usefixtures("short_limits")
def test_where_only_a_key_is_known_and_not_its_disk_the_machine_is_started_first_and_armed_if_silent(
    session: Session, world: Any
) -> None:
    session.state.known_hosts.unlink()
    world.pin(session, *NETWORK)
    world.turn_off("w1")
    make_blank(world, "w2")
    for name in ("cp1", "w3", "storage1"):
        world.record("installed", name)
    install(session)
    assert [call for call in world.calls if "w2" in call or "w1" in call] == [
        "start w1", "start w2", "pxe-installed.sh w1 00000003", "pxe-arm.sh w2=feedf00d", "cut w2", "start w2",
        "pxe-installed.sh w2 feedf00d",
    ]  # fmt: skip


def test_the_disk_of_a_key_is_learnt_from_the_bootstrap_server_too(session: Session, world: Any) -> None:
    """Another controller installed the machines, so that only the records tell of which disk a key was told."""
    session.state.known_hosts.unlink()
    for name in NETWORK:
        world.script(["pxe-installed.sh", name, world.disks[name], world.address(name), KEY])
    install(session)
    assert keys.pinned(session.state) == {world.address(name): KEY for name in NETWORK}
    assert keys.pinned_disks(session.state) == {world.address(name): world.disks[name] for name in NETWORK}
