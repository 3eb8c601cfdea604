"""One worker is taken out of the cluster, or let in: everything is looked at first, then consent, then acts."""

from __future__ import annotations

import io
import json

import pytest

from labkit.cluster import members
from labkit.errors import ConsentError, MissingError, RefusedError, UnreachableError
from labkit.session import Session
from tests.labs import delivered
from tests.unit.cluster.doubles import FakeMachines


def node(ready: str = "True") -> str:
    return json.dumps({"status": {"conditions": [{"type": "Ready", "status": ready}]}})


@pytest.fixture
def asked(machines: FakeMachines) -> list[str]:
    """What the control plane was asked to run, without the look whether it is one."""
    control_plane = machines.remotes["cp1"]
    control_plane.answers["get node"] = node()
    return control_plane.commands


@pytest.fixture
def reset(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The machines whose disks were made blank."""
    done: list[str] = []
    monkeypatch.setattr("labkit.hyperv.discard.find", lambda s, names: list(names))
    monkeypatch.setattr("labkit.hyperv.discard.describe", lambda resets: [f"system disk of {name}" for name in resets])
    monkeypatch.setattr("labkit.hyperv.discard.reset", lambda s, resets: done.extend(resets))
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    return done


def verbs(asked: list[str]) -> list[str]:
    words = [command.partition("admin.conf ")[2] for command in asked]
    return [" ".join(word.split()[:3]) for word in words if word]


def test_a_worker_is_drained_and_its_node_goes_before_its_disk(
    session: Session, asked: list[str], reset: list[str]
) -> None:
    assert members.replace(session, "w2", dry=False)
    assert verbs(asked) == ["get node w2", "drain w2 --ignore-daemonsets", "delete node w2"]
    assert reset == ["w2"]


def test_a_node_that_says_nothing_is_not_waited_for(
    session: Session, machines: FakeMachines, asked: list[str], reset: list[str]
) -> None:
    machines.remotes["cp1"].answers["get node"] = node("Unknown")
    assert members.replace(session, "w2", dry=False)
    assert verbs(asked) == ["get node w2", "cordon w2", "delete node w2"]


def test_pods_that_do_not_go_in_time_keep_nothing_from_being_done(
    session: Session, machines: FakeMachines, asked: list[str], reset: list[str], printed: io.StringIO
) -> None:
    machines.remotes["cp1"].answers["drain"] = 1
    assert members.replace(session, "w2", dry=False)
    assert reset == ["w2"]


def test_a_machine_that_is_no_node_any_more_is_made_anew_all_the_same(
    session: Session, machines: FakeMachines, asked: list[str], reset: list[str]
) -> None:
    machines.remotes["cp1"].answers["get node"] = ""
    assert members.replace(session, "w2", dry=False)
    assert verbs(asked) == ["get node w2"]
    assert reset == ["w2"]


def test_without_consent_nothing_is_asked_of_the_cluster_but_what_is(
    session: Session, asked: list[str], reset: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_ASSUME_YES")
    with pytest.raises(ConsentError):
        members.replace(session, "w2", dry=False)
    assert members.replace(session, "w2", dry=True) is False
    assert set(verbs(asked)) == {"get node w2"}
    assert reset == []


@pytest.mark.parametrize(
    ("name", "instead"),
    [("cp1", "inv k8s.reset"), ("storage1", "inv os.reinstall --machine storage1"), ("bootstrap", "inv os.reinstall")],
)
def test_who_is_more_than_a_worker_is_refused(session: Session, name: str, instead: str, reset: list[str]) -> None:
    with pytest.raises((RefusedError, MissingError)) as error:
        members.replace(session, name, dry=False)
    if name != "bootstrap":
        assert instead in str(error.value.hint)
    assert reset == []


@pytest.mark.parametrize("name", ["", "w9"])
def test_no_such_machine_is_told(session: Session, name: str) -> None:
    with pytest.raises(MissingError):
        members.replace(session, name, dry=False)


def test_without_a_cluster_that_is_said_before_anybody_is_asked(
    session: Session, machines: FakeMachines, reset: list[str]
) -> None:
    machines.remotes["cp1"].answers["test -e"] = 1
    with pytest.raises(MissingError, match="cp1 is no control plane yet"):
        members.replace(session, "w2", dry=False)
    assert reset == []


def test_a_cluster_that_does_not_answer_is_told_with_the_way_without_it(
    session: Session, machines: FakeMachines, reset: list[str]
) -> None:
    machines.remotes["cp1"].answers["get node"] = 1
    with pytest.raises(UnreachableError) as error:
        members.replace(session, "w2", dry=False)
    assert "`inv os.reinstall --machine w2`, then `inv k8s.join`" in str(error.value.hint)
    assert reset == []


def test_a_machine_that_nobody_described_is_answered_with_the_line_that_would(session: Session) -> None:
    with pytest.raises(MissingError) as error:
        members.add(session, "w4")
    assert "- {name: w4, number: 7, host: pc2, roles: [worker], cpus: 2, memory_mb: 4096, disk_gb: 40}" in str(
        error.value.hint
    )


def test_a_member_is_not_added_twice(session: Session, asked: list[str]) -> None:
    with pytest.raises(RefusedError, match="w2 is a node of the cluster already"):
        members.add(session, "w2")


def test_a_described_machine_that_is_no_member_may_come(
    session: Session, machines: FakeMachines, asked: list[str]
) -> None:
    machines.remotes["cp1"].answers["get node"] = ""
    members.add(session, "w2")


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_a_control_plane_that_stores_too_is_no_mere_worker(session: Session) -> None:
    with pytest.raises(RefusedError, match="cp1 is control_plane and storage"):
        members.worker(session, "cp1")
