"""A machine that stands still is diagnosed and power-cycled once; nothing else ever loses its power."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labkit.errors import LabError, RefusedError
from labkit.machines import diagnosis
from labkit.machines.install import install
from labkit.machines.rescue import Standstill, power_cycle
from labkit.machines.survey import Place, survey
from labkit.session import Session
from tests.unit.machines.conftest import NETWORK

pytestmark = pytest.mark.usefixtures("short_limits")


def power(world: Any, name: str) -> list[str]:
    """What was done to a machine's power, in order."""
    return [call.split()[0] for call in world.calls if call in (f"start {name}", f"cut {name}", f"stop {name}")]


@pytest.fixture(autouse=True)
def patient(session: Session) -> None:
    """Rescues are due by the world's own ticks; the wall's clock ends nothing here, however busy this computer."""
    timeouts = session.lab.timeouts.model_copy(update={"install_s": 60})
    session.lab = replace(session.lab, timeouts=timeouts)


def cycles(session: Session) -> list[dict[str, Any]]:
    return [row for row in session.journal.rows() if row["event"] == "cycle"]


def test_a_machine_that_stands_still_is_diagnosed_power_cycled_once_and_goes_on(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.stuck_at("w2", "kickstart", tries=1)
    assert install(session) is True
    assert set(world.installed) == set(NETWORK)
    starts = {name: ["start"] for name in NETWORK}
    assert {name: power(world, name) for name in NETWORK} == starts | {"w2": ["start", "cut", "start"]}
    (row,) = cycles(session)
    assert (row["machine"], row["stage"]) == ("w2", "kickstart")
    assert row["last"] == "GET /event/w2/kickstart 204 (0 bytes)"
    told = " ".join(capsys.readouterr().err.split())
    assert "w2: at `kickstart` for 0 s" in told
    assert "last seen: GET /event/w2/kickstart 204" in told
    assert f"likely: {diagnosis.MEANING['kickstart']}" in told
    assert "w2.png" in told
    assert "inv pxe.logs --machine w2" in told


def test_a_picture_that_cannot_be_taken_is_told_and_stops_nothing(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.blind = "pc1 shows no console"
    world.stuck_at("w2", "kickstart", tries=1)
    assert install(session) is True
    assert "no picture of its console (pc1 shows no console)" in " ".join(capsys.readouterr().err.split())


def test_a_machine_that_stands_still_twice_has_failed_and_the_others_go_on(session: Session, world: Any) -> None:
    world.stuck_at("w2", "kickstart", "installing")
    with pytest.raises(LabError, match=r"w2: no further than .*its power was cut once already") as error:
        install(session)
    assert "1 machine is not installed" in str(error.value)
    assert power(world, "w2") == ["start", "cut", "start"]
    assert [row["stage"] for row in cycles(session)] == ["installing"]  # what it told on its first try counts no more
    assert set(world.installed) == set(NETWORK) - {"w2"}


def test_a_machine_that_never_asked_for_an_address_is_rescued_too(session: Session, world: Any) -> None:
    world.stuck_at("w1", tries=1)
    assert install(session) is True
    assert cycles(session)[0]["last"] == "nothing since it was switched on"


def test_a_machine_whose_installer_failed_keeps_its_power(session: Session, world: Any) -> None:
    world.stuck_at("w2", "kickstart", "failed")
    with pytest.raises(LabError, match="w2: its installation failed"):
        install(session)
    assert power(world, "w2") == ["start"]


def test_an_installed_machine_that_does_not_answer_keeps_its_power(session: Session, world: Any) -> None:
    def behave(world: Any, machine: str) -> list[str]:
        lines = list(world.installs(machine))
        world.up.discard("w3")
        return lines

    world.behave = behave
    with pytest.raises(LabError, match="w3 does not answer by SSH after 2 s"):
        install(session)
    assert power(world, "w3") == ["start"]


def test_whoever_fetches_packages_is_not_silent(session: Session, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no events, and count as a sign of life."""
    left_when_cut: list[int] = []

    def stop(*arguments: Any, **options: Any) -> list[str]:
        left_when_cut.append(len(world.trickle))
        return list(world.stop(*arguments, **options))

    monkeypatch.setattr("labkit.hyperv.power.stop", stop)
    world.stuck_at("w2", "kickstart", "installing", tries=1)
    world.trickle = ["w2"] * 40  # for twice as long as the limit
    assert install(session) is True
    assert left_when_cut == [0]


def test_a_broken_stream_is_opened_again_and_nobody_is_called_silent_because_the_bootstrap_server_was(
    session: Session, world: Any
) -> None:
    world.breaks, world.outage = 2, 100  # five times the limit
    assert install(session) is True
    assert set(world.installed) == set(NETWORK)
    assert cycles(session) == []
    assert {name: power(world, name) for name in NETWORK} == {name: ["start"] for name in NETWORK}


@pytest.mark.parametrize("tries", [0, 1])
def test_a_machine_that_answers_with_its_pinned_key_after_all_is_recorded_and_keeps_its_power(
    session: Session, world: Any, tries: int
) -> None:
    """It is armed and told nothing: its disk holds a system, of which no record says anything."""

    def behave(world: Any, machine: str) -> list[str]:
        if machine == "w2" and not power(world, "w2").count("cut") < tries:
            world.up.add("w2")
            world.slow["w2"] = 1 - tries  # it ends its boot between the first question and the cut, or after that
        return [] if machine == "w2" else list(world.installs(machine))

    world.pin(session, "w2")
    world.record("installed", "w2", "0ld00000")
    world.behave = behave
    assert install(session) is True
    assert power(world, "w2").count("cut") == tries
    assert world.installed["w2"]["disk"] == world.disks["w2"]
    assert world.armed == {}


@pytest.mark.parametrize("state", ["another disk", "not armed", "installed meanwhile", "it answers"])
def test_power_is_cut_of_nothing_but_an_armed_machine_on_its_unfinished_disk(
    session: Session, world: Any, state: str
) -> None:
    world.arm("w2")
    world.running.add("w2")
    still = Standstill(Place(session.lab.machine("w2"), world.disks["w2"], True), "kickstart", 300, "a line")
    assert survey(session).is_armed(still.place)
    if state == "another disk":
        world.disks["w2"] = "feedf00d"
    elif state == "not armed":
        world.armed.clear()
    elif state == "it answers":
        world.pin(session, "w2")
        world.up.add("w2")
    else:
        world.record("installed", "w2")
    with pytest.raises(RefusedError, match="its power is not cut"):
        power_cycle(session, still)
    assert power(world, "w2") == []
    assert cycles(session) == []
