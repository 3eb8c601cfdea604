"""A built lab that runs, with the keys that open it, and somebody who agrees to whatever is asked."""

from __future__ import annotations

import dataclasses

import pytest

from labkit.hyperv.hosts import Hosts
from labkit.machines import entry
from labkit.session import Session
from tests.unit.hyperv.conftest import Pcs, done
from tests.unit.k8s.doubles import FakeMachines, attach


@pytest.fixture
def machines(session: Session) -> FakeMachines:
    """The machines of a lab whose keys were made here."""
    entry.prepare(session.lab, session.state)
    return attach(session)


@pytest.fixture
def pcs(session: Session, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch) -> Pcs:
    """The two PCs that carry it; the disk of the bootstrap server holds a system."""
    monkeypatch.setenv("LAB_PASSWORD", "unused")
    monkeypatch.setenv("LAB_ASSUME_YES", session.lab.name)
    found = Pcs(session.lab, built=True)
    for machine in session.lab.machines:
        found.vm(machine.name)["state"] = "Running"
    session.__dict__["hosts"] = Hosts(session.lab, session.journal, found.connect)
    found.replies["Reset-LabMachine"] = done
    holds(found, 2 << 30)
    return found


def holds(pcs: Pcs, disk_bytes: int) -> None:
    """How much was written to the bootstrap server's disk."""
    pcs.replies["Get-LabMedia"] = lambda host, given: {
        "changed": False, "disk_bytes": disk_bytes, "media": {"bytes": 1, "descriptors": "", "catalog": ""},
    }  # fmt: skip


def without_dvd(session: Session, pcs: Pcs) -> None:
    """Nodes are installed from elsewhere, so that only the bootstrap server needs it."""
    pcs.answers["pc1"]["iso"] = False
    rocky = session.lab.rocky.model_copy(update={"tree_url": "http://192.0.2.9/rocky"})
    session.lab = dataclasses.replace(session.lab, rocky=rocky)
