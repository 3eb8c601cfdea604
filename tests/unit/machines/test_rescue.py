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

NETWORK = {"cp1", "w1", "w2", "w3", "storage1"}


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch, session: Session, world: Any) -> None:
    monkeypatch.setattr(diagnosis, "LIMIT_S", dict.fromkeys(diagnosis.LIMIT_S, 0.2))


def power(world: Any, name: str) -> list[str]:
    """What was done to a machine's power, in order."""
    return [call.split()[0] for call in world.calls if call in (f"start {name}", f"cut {name}", f"stop {name}")]


@pytest.fixture(autouse=True)
def patient(session: Session) -> None:
    """Rescues are due by the world's own ticks; the wall's clock ends nothing here, however busy this computer."""
    timeouts = session.lab.timeouts.model_copy(update={"install_s": 60})
    session.lab = replace(session.lab, timeouts=timeouts)


def stuck_at(world: Any, name: str, *told: str, tries: int = 1) -> None:
    """Let a machine stop after some events on its first `tries` power-ons, and install itself after those."""
    left = {name: tries}

    def behave(world: Any, machine: str) -> list[str]:
        if left.get(machine, 0) == 0:
            return list(world.installs(machine))
        left[machine] -= 1
        return [world.event(machine, stage) for stage in told]

    world.behave = behave


def cycles(session: Session) -> list[dict[str, Any]]:
    return [row for row in session.journal.rows() if row["event"] == "cycle"]


def test_a_machine_that_stands_still_is_power_cycled_once_and_goes_on(session: Session, world: Any) -> None:
    stuck_at(world, "w2", "kickstart")
    assert install(session) is True
    assert set(world.installed) == NETWORK
    assert power(world, "w2") == ["start", "cut", "start"]
    assert {name: power(world, name) for name in NETWORK - {"w2"}} == {name: ["start"] for name in NETWORK - {"w2"}}


def test_the_power_cycle_is_in_the_journal_with_what_was_seen_last(session: Session, world: Any) -> None:
    stuck_at(world, "w2", "kickstart")
    install(session)
    (row,) = cycles(session)
    assert (row["machine"], row["stage"]) == ("w2", "kickstart")
    assert row["last"] == "GET /event/w2/kickstart 204 (0 bytes)"


def test_the_diagnosis_tells_the_last_sign_the_likely_causes_and_a_picture(
    session: Session, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck_at(world, "w2", "kickstart")
    install(session)
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
    stuck_at(world, "w2", "kickstart")
    assert install(session) is True
    assert "no picture of its console (pc1 shows no console)" in " ".join(capsys.readouterr().err.split())


def test_a_machine_that_stands_still_twice_has_failed_and_the_others_go_on(session: Session, world: Any) -> None:
    stuck_at(world, "w2", "kickstart", tries=99)
    with pytest.raises(LabError, match=r"w2: no further than .*its power was cut once already") as error:
        install(session)
    assert "1 machine is not installed" in str(error.value)
    assert power(world, "w2") == ["start", "cut", "start"]
    assert set(world.installed) == NETWORK - {"w2"}


def test_a_machine_that_never_asked_for_an_address_is_rescued_too(session: Session, world: Any) -> None:
    stuck_at(world, "w1")
    assert install(session) is True
    assert cycles(session)[0]["last"] == "nothing since it was switched on"


def test_events_of_the_first_try_do_not_count_for_the_second(session: Session, world: Any) -> None:
    stuck_at(world, "w2", "kickstart", "installing", tries=99)
    with pytest.raises(LabError):
        install(session)
    assert [row["stage"] for row in cycles(session)] == ["installing"]


def test_a_machine_whose_installer_failed_keeps_its_power(session: Session, world: Any) -> None:
    stuck_at(world, "w2", "kickstart", "failed")
    with pytest.raises(LabError, match="w2: its installation failed"):
        install(session)
    assert power(world, "w2") == ["start"]


def test_an_installed_machine_that_does_not_answer_keeps_its_power(session: Session, world: Any) -> None:
    def behave(world: Any, machine: str) -> list[str]:
        lines = list(world.installs(machine))
        world.up.discard("w3")
        return lines

    world.behave = behave
    with pytest.raises(LabError, match="w3 does not answer by SSH"):
        install(session)
    assert power(world, "w3") == ["start"]


def test_whoever_fetches_packages_is_not_silent(session: Session, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no events, and count as a sign of life."""
    left_when_cut: list[int] = []

    def stop(*arguments: Any, **options: Any) -> list[str]:
        left_when_cut.append(len(world.trickle))
        return list(world.stop(*arguments, **options))

    monkeypatch.setattr("labkit.hyperv.power.stop", stop)
    stuck_at(world, "w2", "kickstart", "installing")
    world.trickle = ["w2"] * 40  # for twice as long as the limit
    assert install(session) is True
    assert left_when_cut == [0]


def test_nobody_is_called_silent_because_the_bootstrap_server_was(session: Session, world: Any) -> None:
    world.breaks, world.outage = 1, 100  # five times the limit
    assert install(session) is True
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
    world.installed["w2"] = {"state": "installed", "machine": "w2", "disk": "0ld00000", "time": world.clock}
    world.behave = behave
    assert install(session) is True
    assert power(world, "w2").count("cut") == tries
    assert world.installed["w2"]["disk"] == world.disks["w2"]
    assert world.armed == {}


@pytest.mark.parametrize("state", ["another disk", "not armed", "installed meanwhile", "it answers"])
def test_power_is_cut_of_nothing_but_an_armed_machine_on_its_unfinished_disk(
    session: Session, world: Any, state: str
) -> None:
    world.script(["pxe-arm.sh", "w2=" + world.disks["w2"]])
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
        world.installed["w2"] = {"state": "installed", "machine": "w2", "disk": world.disks["w2"], "time": world.clock}
    with pytest.raises(RefusedError, match="its power is not cut"):
        power_cycle(session, still)
    assert power(world, "w2") == []
    assert cycles(session) == []
