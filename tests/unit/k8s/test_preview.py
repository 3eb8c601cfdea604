"""What stages would change is told from a copy of the tree, and nothing that counts is touched."""

from __future__ import annotations

import json

import pytest

from labkit.k8s import preview, tree
from labkit.k8s.events import Run
from labkit.k8s.unit import NOT_INSTALLED
from labkit.line import stages
from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines, FakeRemote

EVENTS = "/var/log/lab/ansible/run.jsonl"
CHANGED = {"event": "result", "task": 1, "seconds": 1.0, "status": "changed"}


def lines(*rows: dict[str, object], result: str = "success") -> list[str | None]:
    begin = {"event": "task", "task": 1, "name": "swap : Ensure swap is off"}
    return [json.dumps(row) for row in (begin, *rows, {"event": "end", "result": result, "status": "0"})]


def told(*rows: dict[str, object]) -> list[str]:
    run = Run()
    for line in lines(*rows):
        run.feed(str(line))
    return preview.describe("k8s.prepare", run)


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the probes of stages say is missing: nothing, unless a test puts something here."""
    said: dict[str, str] = {}
    monkeypatch.setattr(stages, "missing", lambda _session, stage: said.get(stage))
    return said


@pytest.fixture
def bootstrap(session: Session, machines: FakeMachines, lacking: dict[str, str]) -> FakeRemote:
    remote = machines.bootstrap()
    remote.answers |= {"start.sh": EVENTS, tree.IDENTITY: tree.identity(session.lab) + "\n"}
    remote.stream = lines()
    return remote


def test_each_stage_is_run_in_check_mode_from_a_copy_and_leaves_no_journal(
    session: Session, bootstrap: FakeRemote, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.answers[tree.IDENTITY] = "another\n"
    preview.show(session, ["k8s.prepare", "nfs.storage"])
    begun = [command for command in bootstrap.commands if "start.sh" in command]
    assert begun == [
        "/opt/lab/check/unit/start.sh lab 1800 k8s.prepare.check 2-prepare.yml --check --diff",
        "/opt/lab/check/unit/start.sh lab 1800 nfs.storage.check 5-storage.yml --check --diff",
    ]
    assert [path for path, _ in bootstrap.synced] == ["/opt/lab/check"]
    assert session.journal.rows() == []
    assert capsys.readouterr().out == "k8s.prepare: nothing would change\nnfs.storage: nothing would change\n"


@pytest.mark.parametrize("stage", ["os.bootstrap", "os.install"])
def test_before_the_machines_are_installed_it_says_what_is_missing(
    session: Session, bootstrap: FakeRemote, lacking: dict[str, str], capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    lacking[stage] = "w2 has no VM"
    preview.show(session, ["k8s.prepare"])
    assert "is known once the machines are installed: w2 has no VM" in capsys.readouterr().out
    assert bootstrap.commands == []


def test_without_ansible_it_says_so(
    session: Session, bootstrap: FakeRemote, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.answers = {"start.sh": NOT_INSTALLED, **bootstrap.answers} | {"start.sh": NOT_INSTALLED}
    preview.show(session, ["k8s.bootstrap", "k8s.prepare"])
    assert capsys.readouterr().out == "k8s.bootstrap: the bootstrap server has no Ansible yet\n"


def test_a_run_that_is_under_way_is_left_alone(
    session: Session, bootstrap: FakeRemote, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.answers["systemctl show"] = f"Description=k8s.cni {EVENTS}\nActiveState=active\n"
    preview.show(session, ["k8s.prepare"])
    assert "k8s.cni is under way on the bootstrap server" in capsys.readouterr().out
    assert not [command for command in bootstrap.commands if "/unit/" in command]


def test_what_would_change_is_told_with_its_difference_once_for_machines_that_share_it() -> None:
    text = "-on\n+off\n"
    same: list[dict[str, object]] = [
        {"event": "difference", "task": 1, "host": host, "text": text} for host in ("w1", "w2")
    ]
    assert told(*({**CHANGED, "host": host} for host in ("w2", "w1")), *same) == [
        "k8s.prepare: would change",
        "    swap : Ensure swap is off: w1 w2",
        "        -on",
        "        +off",
    ]


def test_differences_that_differ_name_their_machines() -> None:
    rows: list[dict[str, object]] = [
        {"event": "difference", "task": 1, "host": host, "text": f"+{host}\n"} for host in ("w1", "w2")
    ]
    assert told(*({**CHANGED, "host": host} for host in ("w1", "w2")), *rows)[2:] == [
        "        on w1:",
        "        +w1",
        "        on w2:",
        "        +w2",
    ]


def test_a_stage_that_cannot_be_told_to_its_end_says_where_it_ended() -> None:
    failed = {"event": "result", "task": 1, "seconds": 1.0, "status": "failed", "host": "w1", "message": "no kubeadm"}
    assert told(failed) == [
        "k8s.prepare: nothing would change",
        "    not told any further for w1: swap : Ensure swap is off: no kubeadm",
    ]
