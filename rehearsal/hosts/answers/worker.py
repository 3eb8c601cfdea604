"""What Invoke-LabSwitch.ps1 does on a PC whose scripts are answered by their JSON contract."""

from __future__ import annotations

import calendar
import time
from threading import Event

from rehearsal.hosts import wiring
from rehearsal.hosts.answers import switches as answers
from rehearsal.hosts.outage import PowerFailsError
from rehearsal.hosts.pc import network, switches, tasks
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

BEFORE_S = 2.0  # the answer to whoever began this has to leave while there is a network
POLL_S = 0.3
TRIES = 5


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
        self._deadline = calendar.timegm(time.strptime(wanted["deadline"], "%Y-%m-%dT%H:%M:%SZ"))

    def run(self) -> None:
        """Make the switch and wait for the confirmation, else put everything back."""
        try:
            last = answers.kept(self._pc, "switch-state.json")
            if last is None or last["state"] != "rolled back":
                try:
                    self._complete()
                except RefusedError as error:
                    self._undo(error.message)
            tasks.unregister(self._pc, answers.TASK)
        except (EndedError, PowerFailsError):
            return

    def _complete(self) -> None:
        if self._own() is None:
            if time.time() >= self._deadline:
                self._undo("the PC was restarted meanwhile")
                return
            self._tell("begun")
            self._sleep(BEFORE_S)
            self._make()
        name = wiring.management(self._wanted["name"])
        self._restore(name)
        while answers.kept(self._pc, "switch-confirmed.json") is None:
            if time.time() >= self._deadline:
                self._undo("nobody confirmed in time")
                return
            self._restore_category(name)
            index = self._adapter(self._pc.read(), name)["index"]
            self._tell("made", answers.reached(self._pc.read(), index, self._wanted["peers"]))
            self._sleep(POLL_S)
        self._tell("kept")

    def _undo(self, problem: str) -> None:
        for left in reversed(range(TRIES)):
            try:
                self._remove()
                self._restore(self._wanted["adapter"])
                self._restore_category(self._wanted["adapter"])
            except RefusedError as error:
                self._tell("failed", problem=f"{problem}; and rolling back: {error.message}")
                if not left:
                    raise EndedError from error
                self._sleep(3)
            else:
                self._tell("rolled back", problem=problem)
                return

    def _own(self) -> Json | None:
        """The switch of that name and mark: nobody else's is ever taken for it."""
        found = (one for one in switches.find(self._pc) if one["name"].lower() == self._wanted["name"].lower())
        return next((one for one in found if one["notes"] == self._wanted["notes"]), None)

    def _make(self) -> None:
        wanted = self._wanted
        switches.new(self._pc, wanted["name"], "External", wanted["notes"], wanted["adapter"])

    def _remove(self) -> None:
        own = self._own()
        if own:
            switches.remove(self._pc, own["id"])

    def _restore(self, name: str) -> None:
        before, state = self._wanted["before"], self._pc.read()
        index = self._adapter(state, name)["index"]
        if before["dhcp"]:
            network.set_dhcp(self._pc, index, "Enabled")
        else:
            own = [one["address"] for one in state["addresses"] if one["adapter"] == name]
            hops = [one["gateway"] for one in state["routes"] if one["adapter"] == name]
            for one in (one for one in before["addresses"] if one["address"] not in own):
                network.new_address(self._pc, index, one["address"], one["prefix"])
            for hop in (hop for hop in before["gateways"] if hop not in hops):
                network.new_route(self._pc, index, answers.ANYWHERE, hop)
        dns = [server for one in state["dns"] if one["adapter"] == name for server in one["servers"]]
        if before["dns"] and dns != before["dns"]:
            network.set_servers(self._pc, index, before["dns"])

    def _restore_category(self, name: str) -> None:
        state = self._pc.read()
        index = self._adapter(state, name)["index"]
        profile = state["profiles"].get(str(index))
        was_private = self._wanted["before"]["profile"] == "Private"
        if profile and was_private and profile["NetworkCategory"] == "Public":
            network.set_category(self._pc, index, "Private")

    def _adapter(self, state: Json, name: str) -> Json:
        found: Json | None = next((one for one in state["adapters"] if one["name"] == name), None)
        if found is None:
            raise RefusedError(f"there is no network adapter {name}", "LabNoAdapter", "NotSpecified")
        return found

    def _tell(self, to: str, reached: list[str] | None = None, problem: str = "") -> None:
        answers.keep(self._pc, "switch-state.json", {"state": to, "reached": reached or [], "problem": problem})

    def _sleep(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise EndedError
