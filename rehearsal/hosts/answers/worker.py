"""What Invoke-LabSwitch.ps1 does on a PC whose scripts are answered by their JSON contract."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from rehearsal.hosts import wiring
from rehearsal.hosts.answers import switches as answers
from rehearsal.hosts.outage import PowerFailsError
from rehearsal.hosts.pc import adapters, network, switches, tasks
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

BEFORE_S = 2.0  # the answer to whoever began this has to leave while there is a network
POLL_S = 0.3
AGAIN_S = 2.5
TRIES = 3  # of making it: what Windows refuses so often it will refuse
UNDO_FOR_S = 600
CONFIRMED_S = 60
IDENTIFY_S = 30
LATE = "nobody confirmed in time"


class EndedError(Exception):
    """The PC goes down."""


class Worker:
    """One run of the scheduled task."""

    def __init__(self, pc: HostState, ended: Event) -> None:
        self._pc = pc
        self._ended = ended
        wanted = answers.kept(pc, "switch.json")
        if wanted is None:
            raise RefusedError("there is no switch.json", "PathNotFound", "ObjectNotFound")
        self._wanted: Json = wanted
        self._undone = "removed" if wanted.get("remove") else "rolled back"
        self._limit: float = calendar.timegm(time.strptime(wanted["deadline"], "%Y-%m-%dT%H:%M:%SZ"))

    def run(self) -> None:
        """Make the switch and wait for the confirmation, else put everything back."""
        try:
            last = answers.kept(self._pc, "switch-state.json")
            if last is None or last["state"] != self._undone:
                problem = self._asked() if self._wanted.get("remove") else self._complete()
                if problem:
                    self._undo(problem)
            tasks.unregister(self._pc, answers.TASK)
        except (EndedError, PowerFailsError):
            return

    def _asked(self) -> str:
        self._sleep(BEFORE_S)
        return "it was asked for"

    def _complete(self) -> str:
        """Make the switch and wait for its confirmation; return why it is not to stay, '' when it stays."""
        self._tell("begun")
        self._sleep(BEFORE_S)
        refused, restored, problem = 0, False, LATE
        if self._is_confirmed():
            self._limit = max(self._limit, time.time() + CONFIRMED_S)
        while time.time() < self._limit:
            try:
                if self._own() is None:
                    refused, restored = refused + 1, False
                    self._make()
                    refused = 0
                index = self._own_index()
                if not restored:
                    self._disable_rsc()
                    self._restore(index)
                    restored = True
                self._restore_category(index)
                if self._is_confirmed():
                    self._keep(index)
                    return ""
                self._tell("made", answers.reached(self._pc.read(), index, self._wanted["peers"]))
                problem = LATE
            except RefusedError as error:
                problem = error.message
                if refused == TRIES:
                    break
                self._sleep(AGAIN_S)
            self._sleep(POLL_S)
        return problem

    def _keep(self, index: int) -> None:
        """It stays; what Windows is still identifying may get its profile a little later."""
        self._tell("kept")
        self._limit = time.time() + IDENTIFY_S
        self._wait(IDENTIFY_S, lambda: self._restore_category(index))

    def _undo(self, problem: str) -> None:
        self._limit = time.time() + UNDO_FOR_S
        self._tell("rolling back", problem=problem)
        while True:
            try:
                self._put_back()
            except RefusedError as error:
                both = f"{problem}; and rolling back: {error.message}"
                if time.time() >= self._limit:
                    self._tell("failed", problem=both)
                    raise EndedError from error
                self._tell("rolling back", problem=both)
                self._sleep(3)
            else:
                self._tell(self._undone, problem=problem)
                return

    def _put_back(self) -> None:
        own = self._own()
        if own:
            switches.remove(self._pc, own["id"])
        index = self._index(self._wanted["adapter_id"], self._wanted["adapter"])
        self._restore(index)
        self._wait(IDENTIFY_S, lambda: self._restore_category(index))

    def _is_confirmed(self) -> bool:
        return answers.kept(self._pc, "switch-confirmed.json") is not None

    def _own(self) -> Json | None:
        """The switch of that name and mark: nobody else's is ever taken for it."""
        found = (one for one in switches.find(self._pc) if one["name"].lower() == self._wanted["name"].lower())
        return next((one for one in found if one["notes"] == self._wanted["notes"]), None)

    def _make(self) -> None:
        wanted = self._wanted
        switches.new(self._pc, wanted["name"], "External", wanted["notes"], wanted["adapter"])

    def _disable_rsc(self) -> None:
        own = self._own()
        with suppress(RefusedError):
            switches.set_rsc(self._pc, own["id"] if own else "", to=False)

    def _restore(self, index: int) -> None:
        before = self._wanted["before"]
        if before["dhcp"]:
            network.set_dhcp(self._pc, index, "Enabled")
            self._wait(30, lambda: bool(self._of("addresses", index)))
        else:
            self._restore_addresses(before, index)
        if before["dns"] and self._servers(index) != before["dns"]:
            network.set_servers(self._pc, index, before["dns"])

    def _restore_addresses(self, before: Json, index: int) -> None:
        for one in before["addresses"]:
            if all(own["address"] != one["address"] for own in self._of("addresses", index)):
                network.new_address(self._pc, index, one["address"], one["prefix"])
        for hop in before["gateways"]:
            if all(own["gateway"] != hop for own in self._of("routes", index)):
                network.new_route(self._pc, index, answers.ANYWHERE, hop)

    def _servers(self, index: int) -> list[str]:
        return [server for one in self._of("dns", index) for server in one["servers"]]

    def _of(self, key: str, index: int) -> list[Json]:
        """What the adapter of that index has by now."""
        state = self._pc.read()
        (name,) = (one["name"] for one in state["adapters"] if one["index"] == index)
        return [one for one in wiring.there(state[key]) if one["adapter"] == name]

    def _restore_category(self, index: int) -> bool:
        if self._wanted["before"]["profile"] != "Private":
            return True
        profile = self._pc.read()["profiles"].get(str(index))
        try:
            if profile and profile["NetworkCategory"] == "Public":
                network.set_category(self._pc, index, "Private")
        except RefusedError:
            return False
        return profile is not None

    def _own_index(self) -> int:
        own = [one for one in adapters.own(self._pc) if one["name"] == one["switch"] == self._wanted["name"]]
        return self._index(own[0]["device"] if own else "", wiring.management(self._wanted["name"]))

    def _index(self, device: str, name: str) -> int:
        found = [one["index"] for one in wiring.there(self._pc.read()["adapters"]) if one["guid"] == device]
        if not found:
            raise RefusedError(f"there is no network adapter {name}", "LabNoAdapter", "NotSpecified")
        return int(found[0])

    def _wait(self, seconds: float, test: Callable[[], bool]) -> None:
        end = min(time.time() + seconds, self._limit)
        while not test() and time.time() < end:
            self._sleep(POLL_S)

    def _tell(self, to: str, reached: list[str] | None = None, problem: str = "") -> None:
        answers.keep(self._pc, "switch-state.json", {"state": to, "reached": reached or [], "problem": problem})

    def _sleep(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise EndedError
