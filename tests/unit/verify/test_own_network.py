"""`kubernetes.cni: none`: until the user has installed a pod network, what needs one is not proven, and says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labkit.k8s import apicertificate
from labkit.session import Session
from labkit.verify import network, nginx, nodes, policy, storage, system
from labkit.verify.rows import Row
from tests.labs import described
from tests.unit.verify.fakes import FakeCluster, by_name, certificate, failed

NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
    " message:Network plugin returns error: cni plugin not initialized"
)
NEEDS_NETWORK = (network.check, policy.check, nginx.check, storage.check)
pytestmark = pytest.mark.parametrize("lab", [described("rehearsal", {"kubernetes": {"cni": "none"}})])


def without_network(cluster: FakeCluster, *names: str) -> None:
    for name in names or cluster.facts.nodes:
        condition = {"type": "Ready", "status": "False", "message": NO_NETWORK}
        cluster.facts.nodes[name]["status"]["conditions"] = [condition]


@pytest.mark.parametrize("check", NEEDS_NETWORK)
def test_what_needs_a_network_is_not_proven_and_says_so_at_once(
    cluster: FakeCluster, check: Callable[[FakeCluster], list[Row]]
) -> None:
    without_network(cluster)
    (row,) = check(cluster)
    assert row.result == "not proven here"
    assert row.measured == "kubernetes.cni is none, and no pod network is installed yet"
    assert cluster.made == []


def test_nodes_and_pods_that_wait_for_the_network_are_no_failure(
    cluster: FakeCluster, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = session.lab.control_plane
    made = certificate(365, [interface.address for interface in machine.interfaces])
    monkeypatch.setattr(apicertificate, "fetch", lambda address: made)
    without_network(cluster)
    cluster.facts.system["coredns"] = {"phase": "Pending"}
    rows = [*nodes.check(cluster), *system.check(cluster)]
    assert failed(rows) == []
    unproven = {row.name for row in rows if row.result == "not proven here"}
    assert unproven == {"node cp1", "node w1", "node w2", "node w3", "system pods are ready"}
    assert cluster.slept == []


def test_a_node_that_is_wrong_in_another_way_fails_without_a_network_too(cluster: FakeCluster) -> None:
    without_network(cluster)
    cluster.facts.nodes["w1"]["metadata"]["labels"] = {}
    assert failed(nodes.check(cluster)) == ["node w1"]


def test_with_a_network_that_works_elsewhere_a_node_without_it_fails(cluster: FakeCluster) -> None:
    without_network(cluster, "w2")
    assert failed(nodes.check(cluster)) == ["node w2"]
    assert by_name(nginx.check(cluster))["nginx, 3 replicas"].result == "ok"
