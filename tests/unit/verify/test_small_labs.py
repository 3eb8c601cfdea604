"""What is proof in labs with fewer nodes, or whose machines have several roles."""

from __future__ import annotations

import pytest

from labkit.description.lab import Lab
from labkit.session import Session
from labkit.verify import nginx, nodes, storage
from tests.labs import delivered, small
from tests.unit.verify.fakes import FakeCluster, failed

NOT_PROVEN = {
    "one worker, no storage": {"storage"},
    "one node": {"storage"},
    "one node that stores": {"volume is read on cp1"},
    "a worker that stores": set[str](),
}


@pytest.fixture(autouse=True)
def spread(cluster: FakeCluster, lab: Lab, answers: dict[str, str]) -> None:
    """Pods run on every worker of the lab, and each node answers with the first one's name."""
    cluster.facts.spread = tuple(machine.name for machine in lab.workers)
    cluster.facts.service_address = str(lab.address_pool.first) if lab.address_pool else None
    answers |= {str(address): lab.workers[0].name for address in lab.external_addresses}


@pytest.mark.parametrize(("lab", "not_proven"), [(small(name), rows) for name, rows in NOT_PROVEN.items()])
def test_what_a_small_lab_cannot_prove_says_so_and_nothing_fails(cluster: FakeCluster, not_proven: set[str]) -> None:
    rows = [row for check in (nodes.check, nginx.check, storage.check) for row in check(cluster)]
    assert failed(rows) == []
    assert {row.name for row in rows if row.result == "not proven here"} == not_proven


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_with_16_gb_a_volume_is_read_on_another_node_and_replicas_are_on_both(
    cluster: FakeCluster, session: Session
) -> None:
    assert {row.result for row in storage.check(cluster)} == {"ok"}
    cluster.facts.spread = ("w1", "w1", "w1")
    assert failed(nginx.check(cluster)) == ["nginx is spread"]


@pytest.mark.parametrize("lab", [small("one node")])
def test_a_control_plane_that_works_too_must_be_labelled_so(cluster: FakeCluster) -> None:
    del cluster.facts.nodes["cp1"]["metadata"]["labels"]["node-role.kubernetes.io/worker"]
    (wrong,) = (row for row in nodes.check(cluster) if row.result == "failed")
    assert wrong.measured == "role control-plane, not control-plane, worker"
