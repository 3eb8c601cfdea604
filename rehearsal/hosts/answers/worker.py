"""What Invoke-LabSwitch.ps1 does on a PC whose scripts are answered by their JSON contract."""

from __future__ import annotations

import calendar
import time
from threading import Event

from rehearsal.hosts import outage, wiring
from rehearsal.hosts.answers import switches
from rehearsal.hosts.answers.refusals import RefusedError, hyperv, not_found, unspecified
from rehearsal.hosts.outage import PowerFailsError
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
        wanted = switches.kept(pc, "switch.json")
        if wanted is None:
            raise RefusedError("there is no switch.json", "PathNotFound", "ObjectNotFound")
        self._wanted: Json = wanted
        self._deadline = calendar.timegm(time.strptime(wanted["deadline"], "%Y-%m-%dT%H:%M:%SZ"))

    def run(self) -> None:
        """Make the switch and wait for the confirmation, else put everything back."""
        try:
            last = switches.kept(self._pc, "switch-state.json")
            if last is None or last["state"] != "rolled back":
                try:
                    self._complete()
                except RefusedError as error:
                    self._undo(error.message)
            with outage.change(self._pc) as state:
                del state["scheduled_tasks"][switches.TASK]
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
        while switches.kept(self._pc, "switch-confirmed.json") is None:
            if time.time() >= self._deadline:
                self._undo("nobody confirmed in time")
                return
            self._restore_category(name)
            index = self._adapter(self._pc.read(), name)["index"]
            self._tell("made", switches.reached(self._pc.read(), index, self._wanted["peers"]))
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
        found = (one for one in self._pc.read()["switches"] if one["name"].lower() == self._wanted["name"].lower())
        return next((one for one in found if one["notes"] == self._wanted["notes"]), None)

    def _make(self) -> None:
        with outage.change(self._pc) as state:
            physical = next((one for one in state["adapters"] if one["name"] == self._wanted["adapter"]), None)
            _refuse_unsuitable(state, physical, self._wanted["adapter"])
            made = wiring.switch(self._wanted["name"], "External", self._wanted["notes"], physical)
            state["switches"].append(made)
            wiring.add_management(state, self._wanted["name"], physical)

    def _remove(self) -> None:
        own = self._own()
        if own is None:
            return
        with outage.change(self._pc) as state:
            users = [one for vm in state["vms"].values() for one in vm["adapters"] if one["switch"] == own["name"]]
            if users:
                text = "Failed while removing virtual Ethernet switch."
                raise hyperv("RemoveVMSwitch", "OperationFailed", "NotSpecified", text)
            wiring.remove_management(state, own["name"], self._adapter(state, own["adapter"]))
            state["switches"] = [one for one in state["switches"] if one["id"] != own["id"]]

    def _restore(self, name: str) -> None:
        before = self._wanted["before"]
        with outage.change(self._pc) as state:
            adapter = self._adapter(state, name)
            if before["dhcp"]:
                wiring.lease(state, adapter)
            own = [one["address"] for one in state["addresses"] if one["adapter"] == name]
            hops = [one["gateway"] for one in state["routes"] if one["adapter"] == name]
            if not before["dhcp"]:
                state["addresses"] += [
                    {"adapter": name, **one, "origin": "Manual"}
                    for one in before["addresses"]
                    if one["address"] not in own
                ]
                state["routes"] += [
                    {"adapter": name, "prefix": switches.ANYWHERE, "gateway": hop}
                    for hop in before["gateways"]
                    if hop not in hops
                ]
            dns = [server for one in state["dns"] if one["adapter"] == name for server in one["servers"]]
            if before["dns"] and dns != before["dns"]:
                state["dns"] = [one for one in state["dns"] if one["adapter"] != name]
                state["dns"].append({"adapter": name, "servers": before["dns"]})

    def _restore_category(self, name: str) -> None:
        with outage.change(self._pc) as state:
            profile = state["profiles"].get(str(self._adapter(state, name)["index"]))
            was_private = self._wanted["before"]["profile"] == "Private"
            if profile and was_private and profile["NetworkCategory"] == "Public":
                profile["NetworkCategory"] = "Private"

    def _adapter(self, state: Json, name: str) -> Json:
        found: Json | None = next((one for one in state["adapters"] if one["name"] == name), None)
        if found is None:
            raise RefusedError(f"there is no network adapter {name}", "LabNoAdapter", "NotSpecified")
        return found

    def _tell(self, to: str, reached: list[str] | None = None, problem: str = "") -> None:
        switches.keep(self._pc, "switch-state.json", {"state": to, "reached": reached or [], "problem": problem})

    def _sleep(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise EndedError


def _refuse_unsuitable(state: Json, physical: Json | None, name: str) -> None:
    """Refuse what New-VMSwitch refuses of an adapter."""
    failed = "Failed while adding virtual Ethernet switch connections.\n"
    if physical is None:
        raise unspecified("NewVMSwitch", f"Physical network adapter '{name}' not found.")
    if not physical["physical"] or physical.get("bridged"):
        raise hyperv("NewVMSwitch", "InvalidOperation", "InvalidOperation", "Sequence contains no matching element")
    if any(one["adapter"] == name for one in state["switches"]):
        text = f"External Ethernet adapter '{physical['description']}' is already bound to the Microsoft Virtual Switch"
        raise hyperv("NewVMSwitch", "ObjectInUse", "ResourceBusy", f"{failed}{text} protocol.")
    if physical["medium"] == "Native 802.11":
        port = f"Ethernet port '{{{physical['guid'].upper()}}}' bind failed: Element not found. (0x80070490)."
        raise not_found("NewVMSwitch", f"{failed}{port}")
