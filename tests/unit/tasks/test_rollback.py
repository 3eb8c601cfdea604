"""Going back to a checkpoint: consent first, then restore, start, wait, and every clock stepped."""

from __future__ import annotations

import shutil

import pytest

from labkit.errors import ConsentError, RefusedError
from labkit.hyperv import checkpoints
from labkit.k8s import heartbeats
from labkit.lab import lifecycle, rollback
from labkit.line import consent
from labkit.machines import wait
from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines, FakeRemote


@pytest.fixture
def done(machines: FakeMachines, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order; nobody has agreed yet."""
    happened: list[str] = []

    def sudo(remote: FakeRemote, command: str, *, timeout_s: float) -> None:
        happened.append(f"{remote.name}: {command}")

    monkeypatch.setattr(FakeRemote, "sudo", sudo)
    monkeypatch.setattr(checkpoints, "find", lambda s, name: [name])
    monkeypatch.setattr(checkpoints, "describe", lambda places: ["everything since then"])
    monkeypatch.setattr(checkpoints, "restore", lambda s, name, places: happened.append("restore"))
    monkeypatch.setattr(lifecycle, "start", lambda s: happened.append("start"))
    monkeypatch.setattr(wait, "for_all", lambda s, machines, timeout_s: happened.append("wait"))
    monkeypatch.setattr(heartbeats, "wait_for_all", lambda s, timeout_s: happened.append("heartbeats"))
    monkeypatch.delenv(consent.VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", None)
    return happened


def test_nobody_agreed_so_nothing_happens(session: Session, done: list[str]) -> None:
    with pytest.raises(ConsentError):
        rollback.restore(session, "before", dry=False)
    assert not rollback.restore(session, "before", dry=True)
    assert done == []


@pytest.mark.parametrize("lost", ["all", "the private key"])
def test_without_the_key_that_opens_the_machines_they_stay_as_they_are(
    session: Session, done: list[str], lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their clocks could not be stepped afterwards, nor could anything be proven of them."""
    monkeypatch.setenv(consent.VARIABLE, session.lab.name)
    if lost == "all":
        shutil.rmtree(session.state.path)
    else:
        session.state.private_key.unlink()
    for dry in (True, False):
        with pytest.raises(RefusedError, match="key") as refusal:
            rollback.restore(session, "before", dry=dry)
        assert "inv lab.import FILE" in str(refusal.value.hint)
    assert done == []


def test_after_a_restore_every_clock_is_stepped_and_every_kubelet_waited_for(
    session: Session, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(consent.VARIABLE, session.lab.name)
    assert rollback.restore(session, "before", dry=False)
    assert done[:3] == ["restore", "start", "wait"]
    assert done[-1] == "heartbeats"
    assert sorted(done[3:-1]) == sorted(f"{machine.name}: chronyc -a makestep" for machine in session.lab.machines)
