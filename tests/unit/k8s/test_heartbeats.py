"""After a restore a node counts once its kubelet has spoken anew: what the cluster remembers of it is not enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.errors import DeadlineError, LabError
from labkit.k8s import heartbeats, kubectl
from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines

NODES = ("cp1", "w1", "w2", "w3")


class Cluster:
    """Tells each node's last renewal; `looks` are the answers one after the other, None: the API server is silent."""

    def __init__(self, *looks: dict[str, str] | None) -> None:
        self.looks = list(looks)
        self.waited: list[tuple[str, ...]] = []

    def run(self, _session: Session, *arguments: str, **_: Any) -> str:
        if arguments[0] == "wait":
            self.waited.append(arguments)
            return ""
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if look is None:
            raise LabError("connection refused")
        return json.dumps({"items": [{"metadata": {"name": n}, "spec": {"renewTime": t}} for n, t in look.items()]})


pytestmark = pytest.mark.usefixtures("machines")


def wait(session: Session, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, timeout_s: float = 60) -> int:
    """Wait, and return how often there was a pause."""
    pauses: list[float] = []
    monkeypatch.setattr(kubectl, "run", cluster.run)
    heartbeats.wait_for_all(session, timeout_s, pauses.append)
    return len(pauses)


def test_every_kubelet_has_to_renew_its_lease_and_then_every_node_is_ready(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict.fromkeys(NODES, "10:00")
    cluster = Cluster(before, before, before | {"cp1": "12:00", "w1": "12:00"}, dict.fromkeys(NODES, "12:01"))
    assert wait(session, monkeypatch, cluster) == 3
    ((_, condition, _, kind, every),) = cluster.waited
    assert (condition, kind, every) == ("--for=condition=Ready", "nodes", "--all")


def test_what_a_silent_api_server_did_not_tell_is_learnt_from_its_first_answer(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(None, None, dict.fromkeys(NODES, "10:00"), dict.fromkeys(NODES, "12:00"))
    assert wait(session, monkeypatch, cluster) == 3


def test_a_node_without_a_sign_of_its_kubelet_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = dict.fromkeys(NODES, "12:00") | {"w2": "10:00"}
    cluster = Cluster(dict.fromkeys(NODES, "10:00"), fresh)
    with pytest.raises(DeadlineError, match=r"^error: w2: no sign of a kubelet"):
        wait(session, monkeypatch, cluster, timeout_s=0.05)
    assert cluster.waited == []


def test_without_a_cluster_nobody_is_waited_for(
    session: Session, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.remotes["cp1"].answers["test -e /etc/kubernetes/admin.conf"] = 1
    assert wait(session, monkeypatch, Cluster(None)) == 0
