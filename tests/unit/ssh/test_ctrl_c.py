"""Ctrl-C is heard at once, whatever another thread still waits for: on Windows a wait without an end is deaf to it.

`interrupt_main` is such a Ctrl-C everywhere: it wakes nobody, so only who looks up by himself hears it.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labkit import threads
from labkit.k8s import ask
from labkit.lab import evidence, rollback
from labkit.machines import wait, watch
from labkit.session import Session
from labkit.transport.ssh import Machines
from labkit.verify import run
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row
from tests.unit.verify.fakes import FakeCluster

BUSY_S = 6.0
HEARD_S = 2.0


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """A shell lets its background jobs ignore Ctrl-C, and Python keeps to that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Busy:
    """In the place of ssh.Machines and of what it hands out: each answer takes BUSY_S seconds."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def to(self, machine: Any) -> Busy:
        return self

    def run(self, *_: Any, **__: Any) -> Any:
        self._ended.wait(BUSY_S)

    sudo = is_up = run

    def forget(self, machine: Any) -> None:
        """Nothing is open."""


def obedient(cluster: Cluster) -> list[Row]:
    """A check that waits as those of the product do, which end when somebody pressed Ctrl-C."""
    cluster.stopped.wait(BUSY_S)
    return []


WAITS: dict[str, Callable[[Session], object]] = {
    "machines that are waited for": lambda s: wait.for_all(s, s.lab.machines, 60),
    "machines that are asked whether they answer": lambda s: wait.answering(s, s.lab.machines),
    "a script on several machines": lambda s: ask.ask(s, s.lab.machines, "members.sh"),
    "clocks that are set": lambda s: rollback.step_clocks(s, s.lab.machines),
    "machines that a bundle asks": lambda s: list(evidence.machines(s)),
    "rows of a verification": lambda s: run._side_by_side(FakeCluster(s), [obedient]),
    "PCs": lambda s: threads.each(lambda name: s.machines.to(s.lab.bootstrap).run("true"), ["pc1", "pc2"]),
    "machines that are watched": lambda s: watch.until_ssh(s, ""),
}


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def at_work() -> None:
    """Give what is waited for the time to begin."""
    time.sleep(0.5)


def seconds_to_leave(waiting: Callable[[], object], begun: Callable[[], object] = at_work) -> float:
    """How long after Ctrl-C `waiting` is left; it is pressed once `begun` returns."""
    pressed: list[float] = []

    def press() -> None:
        begun()
        pressed.append(time.monotonic())
        _thread.interrupt_main()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        waiting()
    return time.monotonic() - pressed[0]


@pytest.mark.parametrize("name", WAITS)
def test_it_ends_a_wait_for(session: Session, monkeypatch: pytest.MonkeyPatch, ended: Any, name: str) -> None:
    def stand(onlooker: Any, until: Callable[[], bool]) -> None:
        while not until():
            time.sleep(0.1)

    monkeypatch.setattr(watch.Onlooker, "run", stand)
    monkeypatch.setattr(Busy, "bootstrap", Busy.run, raising=False)
    monkeypatch.setattr(session, "machines", Busy(ended))
    assert seconds_to_leave(lambda: WAITS[name](session)) < HEARD_S


@pytest.mark.network
def test_it_ends_a_command_over_ssh_and_closes_its_channel(
    machines: Machines, bootstrap_server: Any, monkeypatch: pytest.MonkeyPatch, ended: threading.Event
) -> None:
    channels: list[Any] = []
    runs = threading.Event()

    def execute(channel: Any, command: bytes) -> None:
        channels.append(channel)
        runs.set()
        ended.wait(BUSY_S)
        channel.close()

    monkeypatch.setattr(bootstrap_server, "execute", execute)

    def waiting() -> object:
        return machines.bootstrap().run("sleep 60", timeout_s=BUSY_S)

    assert seconds_to_leave(waiting, lambda: runs.wait(60)) < HEARD_S
    channels[0].settimeout(HEARD_S)
    assert channels[0].recv(1) == b""
