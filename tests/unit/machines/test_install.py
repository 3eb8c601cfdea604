"""os.install: who is armed, who is left alone, what counts, and how it goes on after it was killed."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.controller import keys
from labkit.errors import LabError, MissingError
from labkit.machines.install import install, missing
from labkit.pxe import images
from labkit.session import Session
from tests.unit.machines.conftest import KEY, NETWORK


def installed_lab(session: Session, world: Any) -> None:
    """Let everything be installed and running, as an earlier run left it."""
    install(session)
    world.calls.clear()


def test_every_fresh_disk_is_armed_started_followed_and_recorded_with_its_host_key_on_both_sides(
    session: Session, world: Any
) -> None:
    assert install(session) is True
    assert world.calls[0].startswith("pxe-arm.sh cp1=00000002 w1=00000003")
    assert [call for call in world.calls if call.startswith("start ")] == [f"start {name}" for name in NETWORK]
    assert {name: row["disk"] for name, row in world.installed.items()} == {name: world.disks[name] for name in NETWORK}
    assert world.armed == {}
    assert keys.pinned(session.state) == world.known_hosts == {world.address(name): KEY for name in NETWORK}


def test_a_second_run_arms_and_starts_nothing(session: Session, world: Any) -> None:
    installed_lab(session, world)
    assert install(session) is False
    assert world.calls == []
    assert missing(session) is None


def test_what_nodes_will_ask_for_is_fetched_while_machines_install_and_told_and_fails_no_run(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    install(session)
    (settings,) = world.ahead
    assert settings["images"] == images.known(session.lab)
    said = capsys.readouterr().err
    assert "fetched ahead by the bootstrap server: 1 of 10; missing: registry.k8s.io/kube-apiserver:v1" in said
    assert said.rstrip().endswith("4 more")
    install(session)  # nobody installs
    assert len(world.ahead) == 1
    world.disks["w2"], world.clock, world.ahead_fails = "feedf00d", world.clock + 100, True
    world.turn_off("w2")
    assert install(session) is True
    assert "nothing is fetched ahead: bootstrap: `systemd-run` ended with code 1" in capsys.readouterr().err


def test_only_the_machine_with_a_new_disk_is_installed(session: Session, world: Any) -> None:
    installed_lab(session, world)
    world.disks["w2"], world.clock = "feedf00d", world.clock + 100
    world.turn_off("w2")
    assert missing(session) == "w2 is not installed on its disk feedf00d"
    assert install(session) is True
    assert world.calls == ["pxe-arm.sh w2=feedf00d", "start w2", "pxe-installed.sh w2 feedf00d"]


def test_an_installed_machine_that_is_off_is_started_and_not_installed(session: Session, world: Any) -> None:
    installed_lab(session, world)
    world.turn_off("w3")
    assert missing(session) == "w3 is off"
    assert install(session) is True
    assert world.calls == ["start w3"]


def test_an_installation_that_ended_while_nobody_looked_is_recorded(session: Session, world: Any) -> None:
    world.arm(*NETWORK)
    world.start(session, NETWORK)  # as a run did that was killed then
    world.calls.clear()
    assert install(session) is True
    assert world.calls == [f"pxe-installed.sh {name} {world.disks[name]}" for name in NETWORK]


def test_an_installation_under_way_is_followed_and_not_armed_again(session: Session, world: Any) -> None:
    world.arm("w1")
    world.running.add("w1")
    world.log, world.later = [world.event("w1", "kickstart")], world.installs("w1")
    assert install(session) is True
    assert "w1" in world.installed
    assert not [call for call in world.calls if call.startswith("pxe-arm.sh") and "w1=" in call]


def test_a_machine_that_fails_is_named_and_not_touched_again_before_it_is_turned_off(
    session: Session, world: Any
) -> None:
    world.stuck_at("w2", "kickstart", "failed?reason=no%20disk%20fits", tries=1)
    with pytest.raises(LabError, match="w2: its installation failed: no disk fits") as error:
        install(session)
    assert "1 machine is not installed" in str(error.value)
    assert "inv pxe.logs --machine w2" in str(error.value)
    assert set(world.installed) == set(NETWORK) - {"w2"}
    world.calls.clear()
    with pytest.raises(LabError, match=r"inv hyperv.stop --machine w2 --cut-power"):
        install(session)
    assert world.calls == []
    world.turn_off("w2")
    assert install(session) is True
    assert "w2" in world.installed


def test_a_machine_that_stands_still_is_told_with_its_last_stage_and_what_that_means(
    session: Session, world: Any
) -> None:
    world.stuck_at("w1", "kickstart")
    with pytest.raises(LabError, match=r"w1: no further than `kickstart` after 3 s: %pre began"):
        install(session)
    assert set(world.installed) == set(NETWORK) - {"w1"}


def test_an_event_from_another_machines_address_installs_nobody(session: Session, world: Any) -> None:
    def behave(world: Any, machine: str) -> list[str]:
        lines = list(world.installs(machine))
        return [line.replace(world.address("w1"), world.address("w2")) for line in lines] if machine == "w1" else lines

    world.behave = behave
    with pytest.raises(LabError, match="w1: no further than `powered`"):
        install(session)
    assert "w1" not in world.installed


def test_what_is_no_host_key_is_not_pinned(session: Session, world: Any) -> None:
    world.behave = lambda world, machine: [world.event(machine, "installed", "?hostkey=ssh-rsa%20AAAA")]
    for _ in range(2):  # by the event as it comes, and by the log of the run before
        with pytest.raises(LabError, match="told a host key that is none"):
            install(session)
    assert keys.pinned(session.state) == {}
    assert world.installed == {}


def test_a_machine_without_a_vm_names_the_task_that_makes_it(session: Session, world: Any) -> None:
    del world.disks["w1"]
    with pytest.raises(MissingError, match="w1 has no VM on pc1") as error:
        install(session)
    assert "inv hyperv.create" in str(error.value)
    assert world.calls == []


def test_what_parts_say_of_themselves_is_kept_in_the_journal(session: Session, world: Any) -> None:
    world.notes["w1"] = "containerd: it stands in for itself"
    install(session)
    notes = [row for row in session.journal.rows() if row["event"] == "note"]
    assert [(row["source"], row["text"]) for row in notes] == [("w1: containerd", "it stands in for itself")]


def test_the_journal_tells_when_each_machine_reached_each_stage_and_how_long_it_took_from_there(
    session: Session, world: Any
) -> None:
    install(session)
    (row,) = [row for row in session.journal.rows() if row["event"] == "times"]
    assert row["step"] == "os.install"
    assert set(row["times"]) == set(NETWORK)
    assert list(row["stages"]["w1"]) == ["kickstart", "installing", "installed"]
    passed = ["powered", "kickstart", "installing", "installed"]
    assert {name: list(stages) for name, stages in row["left"].items()} == dict.fromkeys(NETWORK, passed)
