"""The power supply: watches what the Hyper-V stand-ins say of their VMs, and runs a guest for each that is on."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from rehearsal.hosts.state import HostState, set_vm_state
from rehearsal.room import disk, vm
from rehearsal.room.guest import Guest
from rehearsal.room.layout import Layout
from rehearsal.room.nat import Translation
from rehearsal.room.vm import Vm

POLL_S = 0.2
SWEEP_S = 5.0  # how often the content of removed disks is thrown away


class PowerSupply(threading.Thread):
    """One thread for all hosts of a room."""

    def __init__(self, layout: Layout, hosts: list[HostState], image: Path) -> None:
        super().__init__(name="power-supply", daemon=True)
        self._layout, self._hosts, self._image = layout, hosts, image
        self._guests: dict[str, Guest] = {}
        self._translation = Translation()
        self._lock = threading.Lock()
        self._end = threading.Event()

    def translate(self) -> None:
        """Bring about what the PCs are to their Internal switches; RoomError where this machine's kernel cannot."""
        for host in self._hosts:
            self._translation.follow(host.host, host.read())

    def run(self) -> None:
        """Look at every host's state until `stop`."""
        since_sweep = 0.0
        while not self._end.wait(POLL_S):
            for host in self._hosts:
                self._follow(host)
            since_sweep += POLL_S
            if since_sweep >= SWEEP_S:
                since_sweep = 0.0
                self._sweep()

    def stop(self) -> None:
        """Cut the power of every guest and wait for their ends."""
        self._end.set()
        guests = list(self._guests.values())
        for guest in guests:
            guest.cut()
        for guest in guests:
            guest.join(timeout=10)

    def _follow(self, host: HostState) -> None:
        """Bring the guests of a host to what its state says."""
        state = host.read()
        self._translation.follow(host.host, state)
        wanted = vm.read(host, state)
        for guest in [guest for guest in self._guests.values() if guest.vm.host == host.host]:
            now = wanted.get(guest.vm.id)
            if now is None or now.state == "Off" or now.power_on_count != guest.vm.power_on_count:
                guest.cut()
            elif now.state == "Stopping":
                guest.shut_down()
        for one in wanted.values():
            with self._lock:
                missing = one.id not in self._guests
            if missing and one.state == "Running":
                self._power_on(one)
            elif missing and one.state == "Stopping":
                self._set(host, one, "Off")
        self._report(host)

    def _power_on(self, one: Vm) -> None:
        guest = Guest(one, self._layout, self._image, self._ended)
        with self._lock:
            self._guests[one.id] = guest
        guest.start()

    def _ended(self, one: Vm, by_itself: bool) -> None:
        """A guest is gone: say so in the host's state, unless it was powered on again meanwhile."""
        host = next(host for host in self._hosts if host.host == one.host)
        with host.change() as state:
            now = state["vms"].get(one.id)
            if now and now["power_on_count"] == one.power_on_count and now["state"] != "Off":
                set_vm_state(state, one.id, "Off")
                _forget_guest(now)
        with self._lock:
            self._guests.pop(one.id, None)

    def _set(self, host: HostState, one: Vm, to: str) -> None:
        with host.change() as state:
            if one.id in state["vms"]:
                set_vm_state(state, one.id, to)

    def _report(self, host: HostState) -> None:
        """Tell the host what the guest's integration services would: whether a system runs that obeys a shutdown."""
        states = host.read()["vms"]
        late = []
        for guest in list(self._guests.values()):
            raw = states.get(guest.vm.id)
            if raw and raw["state"] == "Running" and bool(raw.get("shutdown_service")) != guest.is_system_up:
                late.append(guest)
        if late:
            with host.change() as state:
                for guest in late:
                    raw = state["vms"].get(guest.vm.id)
                    if raw:
                        raw["shutdown_service"] = guest.is_system_up
                        raw["heartbeat"] = "OkApplicationsUnknown" if guest.is_system_up else "NoContact"

    def _sweep(self) -> None:
        """Throw away the content of disks whose VHDX file is gone."""
        folder = self._layout.root / "disks"
        if not folder.exists():
            return
        before = {path.name for path in folder.iterdir()}  # looked at first: a new disk's file is there by then
        files = [file for host in self._hosts for file in host.drive.rglob("*vhdx")]
        known = {vm.vhdx(file).get("vhd") for file in files}
        in_use = {drive.vhd for guest in list(self._guests.values()) for drive in guest.vm.drives}
        for name in before - known - in_use:
            disk.detach_all(folder / name)
            shutil.rmtree(folder / name)


def _forget_guest(raw: dict[str, Any]) -> None:
    raw["shutdown_service"] = False
    raw["heartbeat"] = "NoContact"
    for adapter in raw["adapters"]:
        adapter["addresses"] = []
