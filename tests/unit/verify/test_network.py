"""The pod network: each row fails alone when its own thing is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labkit.verify import network
from tests.unit.verify.fakes import FakeCluster, by_name

NAMES = [
    "names in the cluster",
    "names outside the cluster",
    "a pod on another node",
    "large packets between pods",
    "a Service by its name",
]


def test_a_healthy_network_is_proven_from_the_first_worker_to_the_last(cluster: FakeCluster) -> None:
    found = by_name(network.check(cluster))
    assert [row.result for row in found.values()] == ["ok"] * 5
    assert list(found) == NAMES
    assert found["large packets between pods"].measured == "from w1: 1048576 bytes"
    assert [cluster._place(pod) for pod in ("peer", "asker")] == ["w3", "w1"]


@pytest.mark.parametrize(
    ("key", "said", "row"),
    [
        ("inside", "2 ", NAMES[0]),
        ("outside", "2 ", NAMES[1]),
        ("small", "28 curl: (28) Connection timed out ", NAMES[2]),
        ("small", "0 w1 ", NAMES[2]),  # somebody else answers
        ("large", "28 curl: (28) Operation timed out ", NAMES[3]),
        ("large", "0 1400 ", NAMES[3]),
        ("service", "6 curl: (6) Could not resolve host ", NAMES[4]),
    ],
)
def test_each_row_fails_alone(cluster: FakeCluster, key: str, said: str, row: str) -> None:
    cluster.facts.asked[key] = said
    assert [one.name for one in network.check(cluster) if one.result != "ok"] == [row]


def test_a_name_that_the_node_does_not_know_either_says_nothing_of_the_clusters_names(
    cluster: FakeCluster, machines: Any
) -> None:
    cluster.facts.asked["outside"] = "2 "
    machines.machines["w1"].knows_names = False
    row = by_name(network.check(cluster))["names outside the cluster"]
    assert (row.result, row.measured) == ("not proven here", "w1 itself does not know registry.k8s.io")


@pytest.mark.parametrize(("pod", "phase"), [("peer", "Pending"), ("asker", "Running")])
def test_a_pod_that_does_not_come_up_or_end_is_one_failed_row_with_its_story(
    cluster: FakeCluster, pod: str, phase: str
) -> None:
    cluster.facts.pods[pod] = phase
    (row,) = network.check(cluster)
    assert (row.name, row.result) == ("pod network", "failed")
    assert pod in row.measured
    assert "describe pod" in row.detail


def test_with_one_worker_nothing_is_claimed_of_two_nodes(cluster: FakeCluster) -> None:
    lab = cluster.session.lab
    few = tuple(machine for machine in lab.machines if machine.name not in ("w2", "w3"))
    cluster.session.lab = replace(lab, machines=few)
    results = ["ok", "ok", "not proven here", "not proven here", "ok"]
    assert [(row.name, row.result) for row in network.check(cluster)] == list(zip(NAMES, results, strict=True))
