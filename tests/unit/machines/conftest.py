"""A lab in memory: hosts with their VMs, and a bootstrap server that arms, records and logs as the scripts do."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.controller import keys
from labkit.description.lab import Lab, Machine
from labkit.errors import LabError, UnreachableError
from labkit.machines import diagnosis
from labkit.pxe import prefetch, publish, server
from labkit.session import Session
from labkit.transport.remote import Result

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4Vg3xGdRfeHkOmt0FyHnCEzIYqQpN7oDzKz1cVqBcc"
NETWORK = ["cp1", "w1", "w2", "w3", "storage1"]
NOW = 1795448400
TICK_S = 0.01  # of the follower's clock; it is really slept a tenth of it
LOOK_S = 0.05  # of the clock of whoever waits for SSH


@dataclass
class World:
    """What is the case on hosts and machines; the tests arrange it and look at it afterwards."""

    lab: Lab
    disks: dict[str, str] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)  # the disk that a machine's finished system lies on
    slow: dict[str, int] = field(default_factory=dict)  # how often a machine is asked in vain before it has booted
    running: set[str] = field(default_factory=set)
    up: set[str] = field(default_factory=set)
    armed: dict[str, dict[str, Any]] = field(default_factory=dict)
    installed: dict[str, dict[str, Any]] = field(default_factory=dict)
    known_hosts: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)  # what is logged once somebody follows
    notes: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    clock: int = NOW
    trickle: list[str] = field(default_factory=list)  # machines that fetch a package each time the log is read
    boot_disk: str = ""  # blank: the bootstrap server's disk is, so that its boot disk goes in; in: it is in its drive
    host_key: str = ""  # the private one that lies on the bootstrap server
    blind: str = ""  # why no console can be seen
    ahead: list[dict[str, Any]] = field(default_factory=list)  # what the bootstrap server was told to fetch ahead
    ahead_fails: bool = False  # it cannot begin with that
    deaf: str = ""  # why the bootstrap server cannot be entered though its VM runs
    silent: set[str] = field(default_factory=set)  # hosts that do not answer
    idle: set[str] = field(default_factory=set)  # hosts whose Hyper-V service does not answer
    looks: Iterator[int] = field(default_factory=count)  # at the clock of whoever waits for SSH
    ticks: int = 0  # how often somebody who follows the log heard nothing new
    breaks: int = 0  # how often the stream of the logs breaks before it holds
    outage: int = 0  # for how many ticks the bootstrap server is away when it breaks
    behave: Callable[[World, str], Iterable[str]] = lambda world, machine: world.installs(machine)

    def moment(self) -> float:
        """A clock for whoever follows: it stands still while this computer is busy with something else."""
        return self.ticks * TICK_S

    def look(self) -> float:
        """A clock for whoever waits for SSH, which does so once a try: deadlines are so many tries, however long."""
        return next(self.looks) * LOOK_S

    def address(self, name: str) -> str:
        return str(self.lab.machine(name).mgmt.address)

    def event(self, name: str, stage: str, query: str = "") -> str:
        self.clock += 1
        row = {"time": self.clock, "client": self.address(name), "method": "GET", "status": 204, "bytes": 0}
        return json.dumps(row | {"uri": f"/event/{name}/{stage}{query}"})

    def package(self, name: str, size: int = 1_500_000) -> str:
        self.clock += 1
        row = {"time": self.clock, "client": self.address(name), "method": "GET", "status": 200, "bytes": size}
        return json.dumps(row | {"uri": "/rocky/Packages/one.rpm"})

    def installs(self, name: str) -> list[str]:
        """What a machine that installs as it should leaves in the log; afterwards it answers."""
        self.up.add(name)
        self.systems[name] = self.disks[name]
        told = "?hostkey=" + KEY.replace(" ", "%20").replace("+", "%2B")
        return [self.event(name, stage) for stage in ("kickstart", "installing")] + [
            self.event(name, "installed", told)
        ]

    def stuck_at(self, name: str, *told: str, tries: int = 99) -> None:
        """Let a machine stop after some events on its first `tries` power-ons, and install itself after those."""
        left = {name: tries}

        def behave(world: World, machine: str) -> list[str]:
            if left.get(machine, 0) == 0:
                return world.installs(machine)
            left[machine] -= 1
            return [world.event(machine, stage) for stage in told]

        self.behave = behave

    def turn_off(self, *names: str) -> None:
        self.running -= set(names)
        self.up -= set(names)

    def record(self, state: str, name: str, disk: str = "") -> None:
        """Have the bootstrap server hold that a machine is armed or installed."""
        rows = self.armed if state == "armed" else self.installed
        rows[name] = {"state": state, "machine": name, "disk": disk or self.disks[name], "time": self.clock}

    def arm(self, *names: str) -> None:
        """As an earlier run did."""
        self.script(["pxe-arm.sh", *(f"{name}={self.disks[name]}" for name in names)])
        self.calls.clear()

    def start(self, _session: Session, names: Iterable[str]) -> list[str]:
        started = [name for name in names if name not in self.running]
        for name in started:
            self.running.add(name)
            if self.systems.get(name) == self.disks[name]:
                self.up.add(name)  # a VM boots from its disk first, armed or not
            elif name in self.armed:
                self.log += self.behave(self, name)
        self.calls += [f"start {name}" for name in started]
        return started

    def stop(self, _session: Session, names: Iterable[str], *, cut_power: bool = False) -> list[str]:
        stopped = [name for name in names if name in self.running]
        self.turn_off(*stopped)
        self.calls += [f"{'cut' if cut_power else 'stop'} {name}" for name in stopped]
        return stopped

    def shoot(self, session: Session, names: Iterable[str]) -> list[Path]:
        if self.blind:
            raise LabError(self.blind)
        return [session.state.path / "screens" / f"{name}.png" for name in names]

    def script(self, words: list[str]) -> str:
        self.calls.append(" ".join(words[:3]))
        if words[0] == "pxe-arm.sh":
            self.clock += 1
            for pair in words[1:]:
                name, _, disk = pair.partition("=")
                self.record("armed", name, disk)
        if words[0] == "pxe-installed.sh":
            _, name, disk, address, key = words
            self.record("installed", name, disk)
            self.known_hosts[address] = key
            self.armed.pop(name, None)
        return f"changed: {words[0]}\n"

    def pin(self, session: Session, *names: str) -> None:
        """Let the controller know these machines' host keys, and not of which disk each was told."""
        for name in names:
            keys.pin(session.state, self.address(name), KEY)

    def lets_in(self, session: Session, machine: Machine) -> bool:
        """Whether SSH opens it now: it answers, and shows the key that is pinned here; others are refused."""
        if machine == self.lab.bootstrap:
            return not self.deaf
        if machine.name in self.up and self.slow.get(machine.name, 0):
            self.slow[machine.name] -= 1
            return False
        return machine.name in self.up and keys.pinned(session.state).get(self.address(machine.name)) == KEY

    def lose_records(self) -> None:
        """The bootstrap server is made anew: it knows nothing of the machines."""
        for kept in (self.installed, self.armed, self.known_hosts, self.log):
            kept.clear()

    def records(self) -> str:
        rows = [json.dumps(row) for row in (*self.armed.values(), *self.installed.values())]
        rows += [f"{address} {key}" for address, key in self.known_hosts.items()]
        return "\n".join([*rows, f"now {self.clock} +0000"])


class Station:
    """The shell of one machine, as far as the library uses it."""

    def __init__(self, session: Session, world: World, machine: Machine) -> None:
        self.session, self.world, self.machine, self.name = session, world, machine, machine.name

    def run(self, command: str, **_: Any) -> Result:
        if not self.world.lets_in(self.session, self.machine):
            raise UnreachableError(f"{self.name} ({self.machine.mgmt.address}): no SSH connection")
        if command.startswith("grep -sH"):
            note = self.world.notes.get(self.name)
            return Result(f"/etc/lab/notes.d/{note}\n" if note else "", "", 0 if note else 2)
        if "/dev/tcp/" in command:
            booted = [name for name in self.world.up if not self.world.slow.get(name)]
            asked = [name for name in booted if f" {self.world.address(name)}" in command]
            return Result("\n".join(map(self.world.address, asked)), "", 0)
        return Result("", "", 0)

    def put(self, _content: bytes, path: str, **_: Any) -> None:
        assert self.machine == self.world.lab.bootstrap
        assert path == ".ssh/id_ed25519"

    def sudo(self, command: str, **given: Any) -> Result:
        if self.world.deaf:
            raise UnreachableError(f"{self.name} ({self.machine.external.address}): {self.world.deaf}")
        if command.startswith("/opt/lab/scripts/"):
            return Result(self.world.script(shlex.split(command.removeprefix("/opt/lab/scripts/"))), "", 0)
        if command == f"cat /etc/ssh/{keys.HOST_KEY}":
            return Result(self.world.host_key, "", 0 if self.world.host_key else 1)
        if command.startswith("sha256sum"):
            return Result(self.published(), "", 0)
        if "lab-prefetch" in command:
            if self.world.ahead_fails:
                raise LabError("bootstrap: `systemd-run` ended with code 1")
            self.world.ahead.append(json.loads(given["input"]))
            return Result("", "", 0)
        if command.startswith(f"cat {prefetch.REPORT}"):
            failed = dict.fromkeys(self.world.ahead[-1]["images"], "429") if self.world.ahead else {}
            report = {"wanted": ["a", *failed], "kept": ["a"], "failed": failed, "bytes": 0, "ended": True}
            return Result(json.dumps(report) if self.world.ahead else "", "", 0)
        text = self.world.records() if "known_hosts" in command else "\n".join(self.world.log)
        return Result(text, "", 0)

    def published(self) -> str:
        """The digests of what pxe.publish put there."""
        live = {path: texts[0] for path, texts in publish._live(self.session).items()}
        return "".join(f"{server.digest(text)}  {path}\n" for path, text in live.items())

    def follow(self, _command: str, **_: Any) -> Generator[str | None, None, None]:
        if self.world.breaks:
            yield from self.world.log[:1]  # and breaks before whoever follows has heard all
            self.world.breaks -= 1
            self.world.ticks += self.world.outage
            raise UnreachableError("bootstrap (192.0.2.100): the connection broke")
        self.world.log += self.world.later
        given = 0
        while True:
            fresh = self.world.log[given:]
            given += len(fresh)
            yield from fresh
            if self.world.trickle:
                self.world.log.append(self.world.package(self.world.trickle.pop()))
            time.sleep(TICK_S / 10)
            self.world.ticks += 1
            yield None


class Stations:
    def __init__(self, session: Session, world: World) -> None:
        self.session, self.world = session, world

    def bootstrap(self) -> Station:
        return self.to(self.world.lab.bootstrap)

    def to(self, machine: Machine) -> Station:
        return Station(self.session, self.world, machine)

    def is_up(self, machine: Machine) -> bool:
        return self.world.lets_in(self.session, machine)

    def listens(self, timeout_s: float) -> bool:
        return "bootstrap" in self.world.running and timeout_s < 3

    def forget(self, machine: Machine) -> None:
        """No connection is kept."""


class BootDisk:
    def __init__(self, world: World) -> None:
        self.world = world

    def holds_system(self, *_: Any) -> bool:
        return "bootstrap" in self.world.running or not self.world.boot_disk

    def is_in(self, _: Session) -> bool:
        return self.world.boot_disk == "in"

    def insert(self, _: Session, kickstart: str) -> bool:
        assert "--hostname=bootstrap" in kickstart
        if self.world.boot_disk != "blank":
            return False
        self.world.boot_disk = "in"
        self.world.calls.append("insert boot disk")
        return True

    def content(self, *_: Any) -> str:
        return {"in": "installing", "blank": "nothing"}.get(self.world.boot_disk, "something")

    def remove(self, _: Session) -> bool:
        if self.world.boot_disk != "in":
            return False
        self.world.boot_disk = ""
        self.world.calls.append("remove boot disk")
        return True


class Pcs:
    def __init__(self, world: World) -> None:
        self.world = world

    def read(self, fresh: bool = False) -> dict[str, Any]:
        return {host.name: self._host(host.name) for host in self.world.lab.hosts}

    def survey(self, fresh: bool = False) -> tuple[dict[str, Any], list[LabError]]:
        facts = {name: here for name, here in self.read().items() if name not in self.world.silent}
        return facts, [UnreachableError(f"host {name} does not answer") for name in sorted(self.world.silent)]

    def _host(self, host: str) -> Any:
        if host in self.world.idle:
            return SimpleNamespace(machines={}, service="Stopped", refusal=None, answers=False, has_iso=True)
        vms = {
            machine.name: SimpleNamespace(
                state="Running" if machine.name in self.world.running else "Off",
                is_off=machine.name not in self.world.running,
                system_disk=SimpleNamespace(id=self.world.disks[machine.name]),
            )
            for machine in self.world.lab.on_host(host)
            if machine.name in self.world.disks
        }
        return SimpleNamespace(machines=vms, service="Running", refusal=None, answers=True, has_iso=True)


@pytest.fixture
def world(lab: Lab) -> World:
    """Every machine described, created and off; nothing installed but the bootstrap server."""
    short = lab.timeouts.model_copy(update={"install_s": 3, "ssh_s": 2, "bootstrap_s": 1})
    found = World(replace(lab, timeouts=short))
    found.disks = {machine.name: f"{machine.number:08x}" for machine in lab.machines}
    found.running = {"bootstrap"}
    return found


@pytest.fixture
def session(world: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    opened = Session(world.lab)
    opened.machines = Stations(opened, world)  # type: ignore[assignment]
    opened.hosts = Pcs(world)  # type: ignore[assignment]
    monkeypatch.setattr("labkit.hyperv.power.start", world.start)
    monkeypatch.setattr("labkit.hyperv.power.stop", world.stop)
    monkeypatch.setattr("labkit.hyperv.screen.shoot", world.shoot)
    for name in ("holds_system", "is_in", "insert", "remove", "content"):
        monkeypatch.setattr(f"labkit.hyperv.bootdisk.{name}", getattr(BootDisk(world), name), raising=name != "content")
    monkeypatch.setattr("labkit.machines.follow.time", SimpleNamespace(monotonic=world.moment))
    monkeypatch.setattr("labkit.machines.wait.time", SimpleNamespace(monotonic=world.look))
    monkeypatch.setattr("labkit.machines.wait.PAUSE_S", 0.01)
    for module in ("follow", "watch"):
        monkeypatch.setattr(f"labkit.machines.{module}.PAUSE_S", 0.02)
    monkeypatch.setattr("labkit.machines.follow.REPLAY_S", 0.02)
    return opened


@pytest.fixture
def opened(session: Session) -> Session:
    """A lab whose keys are made, so that the bootstrap server can be asked."""
    keys.ensure_lab_keys(session.state, session.lab.name, session.lab.bootstrap.name)
    return session


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may stand at no stage for long."""
    monkeypatch.setattr(diagnosis, "LIMIT_S", dict.fromkeys(diagnosis.LIMIT_S, 0.2))
