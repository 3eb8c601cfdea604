"""The status shows every machine with what host, SSH and cluster say, also when some of them say nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.description.lab import Machine
from labkit.errors import LabError, UnreachableError
from labkit.k8s import kubectl, stages
from labkit.lab import status
from labkit.session import Session


@dataclass
class World:
    """What is so: a healthy lab unless a test changes it."""

    vms: dict[str, str]
    silent: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()  # hosts whose Hyper-V does not answer
    deaf: tuple[str, ...] = ()
    not_ready: tuple[str, ...] = ()
    api_error: str = ""
    no_cluster: str | None = None
    asked: list[str] = field(default_factory=list)

    def survey(self) -> tuple[dict[str, Any], list[LabError]]:
        facts: dict[str, Any] = {}
        for host, names in {"pc1": ("bootstrap", "cp1", "w1"), "pc2": ("w2", "w3", "storage1")}.items():
            if host not in self.silent:
                machines = {name: SimpleNamespace(state=self.vms[name]) for name in names if name in self.vms}
                answers = host not in self.idle
                facts[host] = SimpleNamespace(machines=machines if answers else {}, answers=answers)
        return facts, [UnreachableError(f"host {host} does not answer") for host in self.silent]

    def is_up(self, machine: Machine) -> bool:
        self.asked.append(machine.name)
        return machine.name not in self.deaf

    def listens(self, timeout_s: float) -> bool:
        return "bootstrap" not in self.deaf

    def nodes(self, *_: Any) -> str:
        if self.api_error:
            raise LabError(self.api_error)
        ready = {name: str(name not in self.not_ready) for name in ("cp1", "w1", "w2", "w3")}
        conditions = {name: [{"type": "Ready", "status": status}] for name, status in ready.items()}
        items = [{"metadata": {"name": name}, "status": {"conditions": conditions[name]}} for name in ready]
        return json.dumps({"items": items})


@pytest.fixture
def world(session: Session, monkeypatch: pytest.MonkeyPatch) -> World:
    """Six machines run."""
    made = World({machine.name: "Running" for machine in session.lab.machines})
    session.__dict__["hosts"] = made
    session.__dict__["machines"] = made
    session.state.write(session.state.private_key, "key")
    monkeypatch.setattr(kubectl, "run", made.nodes)
    monkeypatch.setattr(stages, "missing", lambda _session, _stage: made.no_cluster)
    return made


def look(session: Session) -> tuple[list[status.Row], list[str]]:
    return status.rows(session, session.hosts.survey()[0])


def seen(session: Session) -> dict[str, tuple[str, str, str]]:
    return {row.machine.name: (row.vm, row.ssh, row.node) for row in look(session)[0]}


def test_a_healthy_lab(session: Session, world: World) -> None:
    found = seen(session)
    assert found["w1"] == ("Running", "answers", "Ready")
    assert found["storage1"] == ("Running", "answers", "-")


@pytest.mark.parametrize(
    ("changed", "machine", "shown"),
    [
        ({"silent": ("pc2",)}, "w2", ("unknown", "answers", "Ready")),  # why, the host's error tells
        ({"idle": ("pc2",)}, "w2", ("Hyper-V does not answer", "answers", "Ready")),
        ({"deaf": ("w1",)}, "w1", ("Running", "silent", "Ready")),
        ({"not_ready": ("w3",)}, "w3", ("Running", "answers", "NotReady")),
    ],
    ids=["host", "Hyper-V", "machine", "node"],
)
def test_what_does_not_answer_or_is_not_ready_hides_nothing_that_others_say(
    session: Session, world: World, changed: dict[str, tuple[str]], machine: str, shown: tuple[str, str, str]
) -> None:
    vars(world).update(changed)
    assert seen(session)[machine] == shown


def test_a_machine_that_is_off_or_missing_is_not_asked(session: Session, world: World) -> None:
    world.vms["w1"] = "Off"
    del world.vms["w2"]
    found = seen(session)
    assert found["w1"][:2] == ("Off", "-")
    assert found["w2"][:2] == ("none", "-")
    assert not {"w1", "w2"} & set(world.asked)


def test_without_the_bootstrap_server_nothing_behind_it_is_asked(session: Session, world: World) -> None:
    world.deaf = ("bootstrap",)
    found, errors = look(session)
    assert {row.machine.name: row.ssh for row in found} == {
        "bootstrap": "silent", **dict.fromkeys(("cp1", "w1", "w2", "w3", "storage1"), "unknown")
    }  # fmt: skip
    assert errors == ["SSH and nodes are unknown: bootstrap does not answer by SSH"]
    assert set(world.asked) <= {"bootstrap"}


def test_a_bootstrap_server_that_is_off_is_said_once(session: Session, world: World) -> None:
    world.vms["bootstrap"] = "Off"
    found, errors = look(session)
    assert [row.ssh for row in found if row.machine.name in ("bootstrap", "w1")] == ["-", "unknown"]
    assert errors == ["SSH and nodes are unknown: bootstrap is off"]


def test_nodes_that_cannot_be_asked_for_are_unknown(session: Session, world: World) -> None:
    world.deaf = ("cp1",)
    found = seen(session)
    assert (found["w1"][2], found["storage1"][2]) == ("unknown", "-")
    assert look(session)[1] == ["nodes are unknown: cp1 does not answer by SSH"]


def test_a_lab_that_has_no_key_yet_asks_nobody(session: Session, world: World) -> None:
    session.state.private_key.unlink()
    assert {row[1] for row in seen(session).values()} == {"unknown"}
    assert world.asked == []


def test_a_cluster_that_does_not_answer_is_told_beside_the_rest(session: Session, world: World) -> None:
    world.api_error = "connection refused"
    found, errors = look(session)
    assert errors == ["connection refused"]
    assert found[2].ssh == "answers"


def test_a_lab_without_a_cluster_says_so(session: Session, world: World) -> None:
    world.no_cluster = "/etc/kubernetes/admin.conf is not there"
    assert look(session)[1] == ["no cluster yet: /etc/kubernetes/admin.conf is not there"]


def test_hosts_that_do_not_answer_end_it_with_their_code_once_all_else_is_printed(
    session: Session, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.silent = ("pc2",)
    with pytest.raises(UnreachableError, match="host pc2 does not answer"):
        status.show(session)
    assert "storage1" in capsys.readouterr().out
