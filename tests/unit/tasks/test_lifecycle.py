"""A rebuild that cannot finish does not begin; machines go down after those that use them and come up before them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit import lifecycle
from labkit.errors import RefusedError, UnreachableError
from labkit.hyperv import check, power
from labkit.lab import Lab, Machine
from labkit.session import Session
from tests.labs import delivered, small


class Machines:
    """SSH to the machines: which answer, and which connections were dropped."""

    def __init__(self) -> None:
        self.up = {"bootstrap"}
        self.forgotten: list[str] = []

    def is_up(self, machine: Machine) -> bool:
        return machine.name in self.up

    def forget(self, machine: Machine) -> None:
        self.forgotten.append(machine.name)


@pytest.fixture
def vms(session: Session, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The VMs' states by machine, on hosts that have nothing against the lab."""
    states = {machine.name: "Running" for machine in session.lab.machines}
    facts = SimpleNamespace(read=lambda: {host.name: SimpleNamespace(machines=shown()) for host in session.lab.hosts})

    def shown() -> dict[str, Any]:
        return {name: SimpleNamespace(state=state) for name, state in states.items()}

    session.__dict__["hosts"] = facts
    monkeypatch.setattr(check, "check", lambda _session: None)
    return states


@pytest.fixture
def machines(session: Session) -> Machines:
    """A lab whose key was made already."""
    fake = Machines()
    session.__dict__["machines"] = fake
    session.state.write(session.state.private_key, "key")
    return fake


def test_a_running_bootstrap_server_that_answers_is_good(
    session: Session, vms: dict[str, str], machines: Machines
) -> None:
    lifecycle.check(session)


def test_one_that_runs_and_cannot_be_entered_stops_a_rebuild(
    session: Session, vms: dict[str, str], machines: Machines
) -> None:
    machines.up.clear()
    with pytest.raises(UnreachableError, match="bootstrap") as refusal:
        lifecycle.check(session)
    assert "inv os.bootstrap" in str(refusal.value.hint)


@pytest.mark.parametrize("state", ["Off", None])
def test_one_that_is_off_or_not_made_yet_is_started_or_made_by_the_rebuild(
    session: Session, vms: dict[str, str], machines: Machines, state: str | None
) -> None:
    machines.up.clear()
    vms.pop("bootstrap")
    if state:
        vms["bootstrap"] = state
    lifecycle.check(session)


def test_a_lab_without_a_key_has_no_bootstrap_server_to_enter(
    session: Session, vms: dict[str, str], machines: Machines
) -> None:
    machines.up.clear()
    session.state.private_key.unlink()
    lifecycle.check(session)


def test_what_the_hosts_say_comes_first(
    session: Session, vms: dict[str, str], machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_session: Session) -> None:
        raise RefusedError("host pc1: no switch", "make one")

    monkeypatch.setattr(check, "check", refuse)
    with pytest.raises(RefusedError, match="no switch"):
        lifecycle.check(session)


def test_machines_stop_after_those_that_use_them(
    session: Session, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "stop", lambda _session, names: list(names))
    assert lifecycle.stop(session) == ["w1", "w2", "w3", "cp1", "storage1", "bootstrap"]
    assert machines.forgotten == ["w1", "w2", "w3", "cp1", "storage1", "bootstrap"]


@pytest.mark.parametrize(
    ("lab", "order"),
    [
        (delivered("one-pc-16gb"), ["w1", "w2", "cp1", "bootstrap"]),
        (small("a worker that stores"), ["w2", "cp1", "w1", "bootstrap"]),
        (small("one node that stores"), ["cp1", "bootstrap"]),
    ],
)
def test_a_machine_with_several_roles_stops_when_nobody_uses_it_any_more(
    lab: Lab, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "stop", lambda _session, names: list(names))
    session = Session(lab)
    session.__dict__["machines"] = Machines()
    assert lifecycle.stop(session) == order


def test_the_bootstrap_server_starts_first(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "start", lambda _session, names: list(names))
    assert lifecycle.start(session) == ["bootstrap", "cp1", "w1", "w2", "w3", "storage1"]
