"""What stages would change is told from a copy of the tree, and nothing that counts is touched."""

from __future__ import annotations

import io

import pytest

from labkit.k8s import preview, tree
from labkit.k8s.events import Run
from labkit.k8s.unit import NOT_INSTALLED
from labkit.line import stages
from labkit.session import Session
from tests.unit.k8s.doubles import UNDER_WAY, FakeRemote, events


def told(*rows: dict[str, str]) -> list[str]:
    run = Run()
    for line in events(*rows):
        run.feed(str(line))
    return preview.describe("k8s.prepare", run)


@pytest.fixture(autouse=True)
def lacking(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the probes of stages say is missing: nothing, unless a test puts something here."""
    said: dict[str, str] = {}
    monkeypatch.setattr(stages, "missing", lambda _session, stage: said.get(stage))
    return said


def test_each_stage_is_run_in_check_mode_from_a_copy_and_leaves_no_journal(
    session: Session, bootstrap: FakeRemote, printed: io.StringIO
) -> None:
    bootstrap.answers[tree.IDENTITY] = "another\n"
    preview.show(session, ["k8s.prepare", "nfs.storage"])
    assert bootstrap.started == [
        "/opt/lab/check/unit/start.sh lab 1800 k8s.prepare.check 2-prepare.yml --check --diff",
        "/opt/lab/check/unit/start.sh lab 1800 nfs.storage.check 5-storage.yml --check --diff",
    ]
    assert [path for path, _ in bootstrap.synced] == ["/opt/lab/check"]
    assert session.journal.rows() == []
    assert printed.getvalue() == "k8s.prepare: nothing would change\nnfs.storage: nothing would change\n"


@pytest.mark.parametrize("stage", ["os.bootstrap", "os.install"])
def test_before_the_machines_are_installed_it_says_what_is_missing(
    session: Session, bootstrap: FakeRemote, lacking: dict[str, str], printed: io.StringIO, stage: str
) -> None:
    lacking[stage] = "w2 has no VM"
    preview.show(session, ["k8s.prepare"])
    assert "is known once the machines are installed: w2 has no VM" in printed.getvalue()
    assert bootstrap.commands == []


def test_without_ansible_it_says_so(session: Session, bootstrap: FakeRemote, printed: io.StringIO) -> None:
    bootstrap.answers["start.sh"] = NOT_INSTALLED
    preview.show(session, ["k8s.bootstrap", "k8s.prepare"])
    assert printed.getvalue() == "k8s.bootstrap: the bootstrap server has no Ansible yet\n"


def test_a_run_that_is_under_way_is_left_alone(session: Session, bootstrap: FakeRemote, printed: io.StringIO) -> None:
    bootstrap.answers["systemctl show"] = UNDER_WAY
    preview.show(session, ["k8s.prepare"])
    assert "k8s.cni is under way on the bootstrap server" in printed.getvalue()
    assert not [command for command in bootstrap.commands if "/unit/" in command]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ({"w1": "-on\n+off\n", "w2": "-on\n+off\n"}, ["-on", "+off"]),
        ({"w1": "+w1\n", "w2": "+w2\n"}, ["on w1:", "+w1", "on w2:", "+w2"]),
    ],
    ids=["once for machines that share it", "by machine where they differ"],
)
def test_what_would_change_is_told_with_its_difference(texts: dict[str, str], lines: list[str]) -> None:
    rows = [{"event": "difference", "host": host, "text": text} for host, text in texts.items()]
    assert told(*({"host": host, "status": "changed"} for host in ("w2", "w1")), *rows) == [
        "k8s.prepare: would change",
        "    swap : off: w1 w2",
        *(f"        {line}" for line in lines),
    ]


def test_a_stage_that_cannot_be_told_to_its_end_says_where_it_ended() -> None:
    assert told({"host": "w1", "status": "failed", "message": "no kubeadm"}) == [
        "k8s.prepare: nothing would change",
        "    not told any further for w1: swap : off: no kubeadm",
    ]
