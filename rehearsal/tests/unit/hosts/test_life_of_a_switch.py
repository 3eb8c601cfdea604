"""A switch's life on 30 PCs: names, delays, losses, refusals, restarts, and a controller that may be gone, by a seed.

Time passes only while the PC waits, so ten minutes take none.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal.hosts import lan, outage, wiring
from rehearsal.hosts.answers import switches, worker
from rehearsal.hosts.pc import network
from rehearsal.hosts.state import HostState, Json, initial
from rehearsal.tests.bare_pc import take_switch_away

LAB, GATEWAY, ADDRESS = "lab-7e57", "192.0.2.1", "192.0.2.11"
DEADLINE_S, TRIES_S, BOOT_S, STEP_S = 180, 600, 20, 2.0
NAMES = ("Lab", "실습 스위치", "My Lab (2)")
FAULTS = {"addresses": 0.3, "dns": 0.3, "public": 0.3, "public for ever": 0.2, "ghost": 0.4, "stays down": 0.15}
NETWORK = ("adapters", "addresses", "routes", "dns", "profiles", "switches", "neighbors")


class Life:
    """One PC with its Task Scheduler, and somebody who confirms over the network when it works; the PC's `Event`."""

    def __init__(self, pc: HostState, is_watched: bool, restarts: list[float]) -> None:
        self.now = 1_800_000_000.0
        self.outage = self.longest = 0.0
        self.is_watched = is_watched
        self.must_stay = False  # a switch that is taken away for no reason is no life either
        self._pc = pc
        self.restarts = restarts
        self._begun = self.now

    def time(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        """Let time pass; True when the PC is restarted meanwhile."""
        end = self.now + seconds
        while self.now < end:
            step = min(STEP_S, end - self.now)
            self.now += step
            self._look(step)
            if self.restarts and self.now - self._begun > self.restarts[0]:
                self.restarts.pop(0)
                return True
        return False

    def let_task_end(self) -> Any:
        """Run the PC's task, at each start of the PC again, to its end; return what it then says."""
        for _ in range(9):
            worker.Worker(self._pc, cast("Any", self)).run()
            outage.over(self._pc)
            if not self._pc.read()["scheduled_tasks"]:
                break
            self.now += BOOT_S
        return self.operation()

    def operation(self) -> Any:
        return switches.get_lab_switch(self._pc, {"Lab": LAB})["operation"]

    def _look(self, step: float) -> None:
        state = self._pc.read()
        works = lan.is_up(state) and any(one["address"] == ADDRESS for one in wiring.there(state["addresses"]))
        self.outage = 0 if works else self.outage + step
        self.longest = max(self.longest, self.outage)
        if works and self.is_watched and (now := self.operation())["state"] == "made" and now["reached"]:
            switches.confirm_lab_switch(self._pc, {"Lab": LAB})


def drawn(chance: random.Random, state: Json) -> None:
    """Give a PC its trouble."""
    take_switch_away(state, GATEWAY)
    state["switch_faults"] = [fault for fault, share in FAULTS.items() if chance.random() < share]
    state["switch_trouble"] = {
        "delay_s": chance.choice((0, 1, 8, 29)), "identifies_s": chance.choice((0, 3, 25)),
        "NewVMSwitch": chance.choice((0, 0, 0, 1, 2, 5)), "RemoveVMSwitch": chance.choice((0, 1, 9, 90)),
    }  # fmt: skip
    if chance.random() < 0.3:
        state["adapters"][0]["dhcp"] = "Enabled"
        state["addresses"][0]["origin"] = "Dhcp"
        state["lease"] = {"address": ADDRESS, "prefix": 24, "gateway": GATEWAY}
    if chance.random() < 0.2:
        state[outage.KEY] = chance.randrange(3, 12)  # the first two lay the task down


def lived(folder: Path, patch: pytest.MonkeyPatch, seed: int, **trouble: int) -> tuple[Life, HostState, str, Json]:
    """Begin the making of a switch on a PC; return its life, the PC, the switch's name, and the PC before."""
    chance, pc = random.Random(seed), HostState(folder, "pc1")  # noqa: S311 - no secret
    state = initial("pc1", address=ADDRESS)
    drawn(chance, state)
    state["switch_trouble"] |= trouble
    pc.make(state)
    restarts = sorted(chance.uniform(0, 400) for _ in range(chance.choice((0, 0, 0, 1, 2))))
    life = Life(pc, chance.random() < 0.8, list(restarts))
    life.must_stay = not (restarts or outage.KEY in state or "stays down" in state["switch_faults"])
    life.must_stay &= life.is_watched and state["switch_trouble"]["NewVMSwitch"] < worker.TRIES
    clock = SimpleNamespace(**{**vars(time), "time": life.time})
    for module in (lan, network, switches, wiring, worker):
        patch.setattr(module, "time", clock)
    patch.setattr(worker, "POLL_S", 2.0)
    name = chance.choice(NAMES)
    wanted = {"name": name, "type": "External", "notes": f'{{"lab":"{LAB}"}}', "cidr": "",
              "adapter_id": state["adapters"][0]["guid"]}  # fmt: skip
    given = {"Lab": LAB, "VirtualSwitch": [wanted], "Peer": [], "Seconds": DEADLINE_S, "Program": ""}
    switches.new_lab_switch(pc, given)
    return life, pc, name, {key: state[key] for key in NETWORK}


def removed(pc: HostState, life: Life, switch: Json) -> float:
    """Let the PC take the switch away; return for how long it was without its network."""
    with pc.change() as state:
        state.pop(outage.KEY, None)
    life.outage = life.longest = 0.0
    switches.remove_lab_switch(pc, {"Lab": LAB, "VirtualSwitch": [switch], "Program": ""})
    assert life.let_task_end()["state"] == "removed"
    return life.longest


def now(pc: HostState) -> Json:
    state = pc.read()
    return {key: state[key] for key in NETWORK}


@pytest.mark.parametrize("seed", range(30))
def test_it_ends_confirmed_and_there_or_all_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    life, pc, name, before = lived(tmp_path, monkeypatch, seed)
    told = life.let_task_end()
    assert life.longest <= DEADLINE_S + TRIES_S
    assert told["state"] == "kept" or not life.must_stay, told
    state = pc.read()
    if told["state"] == "kept":
        own = wiring.adapter_of(state, name)
        assert own
        assert switches.kept(pc, "switch-confirmed.json") is not None
        assert [(one["name"], one["software_rsc"]) for one in state["switches"]] == [(name, False)]
        for key, value in (("addresses", "address"), ("routes", "gateway"), ("dns", "servers")):
            assert [(one["adapter"], one[value]) for one in state[key]] == [
                (own["name"], one[value]) for one in before[key]
            ]
        assert "public for ever" in state["switch_faults"] or "Public" not in str(state["profiles"])
        assert removed(pc, life, state["switches"][0]) <= TRIES_S
    else:
        assert told["state"] == "rolled back"
    assert now(pc) == before


def test_what_cannot_be_taken_away_in_ten_minutes_is_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, pc, _, before = lived(tmp_path, monkeypatch, 0, NewVMSwitch=0, RemoveVMSwitch=300)
    with pc.change() as state:
        state["switch_faults"] = ["stays down"]
        state.pop(outage.KEY, None)
    begun = life.now
    life.restarts.clear()
    worker.Worker(pc, cast("Any", life)).run()
    assert DEADLINE_S + TRIES_S <= life.now - begun < DEADLINE_S + TRIES_S + 60
    assert (life.operation()["state"], life.operation()["runs"]) == ("failed", True)
    assert life.let_task_end()["state"] == "rolled back"
    assert now(pc) == before
