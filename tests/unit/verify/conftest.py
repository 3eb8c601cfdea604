"""A healthy cluster, and an HTTP world in which every node answers."""

from __future__ import annotations

import pytest

from labkit.description.lab import Machine
from labkit.session import Session
from labkit.verify import nginx, run
from tests.unit.verify.fakes import FakeCluster, FakeMachine


class FakeMachines:
    """SSH to the machines; `machines` may be changed by a test."""

    def __init__(self, session: Session) -> None:
        self.machines = {machine.name: FakeMachine(machine.name) for machine in session.lab.machines}

    def to(self, machine: Machine) -> FakeMachine:
        return self.machines[machine.name]


@pytest.fixture
def machines(session: Session) -> FakeMachines:
    """The machines as SSH shows them, in the session's place."""
    fake = FakeMachines(session)
    session.__dict__["machines"] = fake
    return fake


@pytest.fixture
def cluster(session: Session, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """The cluster that `run.verify` sees too."""
    fake = FakeCluster(session)
    monkeypatch.setattr(run, "Cluster", lambda _session: fake)
    return fake


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What GET / says at an EXTERNAL address: a worker's name, unless a test puts something else."""
    said: dict[str, str] = {}
    monkeypatch.setattr(nginx, "_ask", lambda address, port: said.get(address, "w2"))
    return said
