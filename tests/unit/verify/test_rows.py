"""Each row fails for its own reason, and only that row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labkit.session import Session
from labkit.verify import nginx, nodes, storage
from labkit.verify.rows import Row
from tests.unit.verify.conftest import FakeMachines
from tests.unit.verify.fakes import NFS_MOUNT_REFUSED, FakeCluster


def failed(rows: list[Row]) -> list[str]:
    return [row.name for row in rows if row.result == "failed"]


def not_proven(rows: list[Row]) -> list[str]:
    return [row.name for row in rows if row.result == "not proven here"]


def row(rows: list[Row], name: str) -> Row:
    return next(one for one in rows if one.name == name)


def test_a_healthy_cluster_has_only_good_rows(cluster: FakeCluster) -> None:
    rows = [*nodes.check(cluster), *nginx.check(cluster), *storage.check(cluster)]
    assert {one.result for one in rows} == {"ok"}
    assert [one.name for one in rows] == [
        "node cp1", "node w1", "node w2", "node w3", "no other node",
        "nginx, 3 replicas", "nginx is spread",
        "nginx answers at cp1", "nginx answers at w1", "nginx answers at w2", "nginx answers at w3",
        "nginx answers at its own address",
        "one default StorageClass", "volume is bound", "volume is written on w1", "volume is read on w3",
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_that_is_not_ready(cluster: FakeCluster, status: str) -> None:
    condition = {"type": "Ready", "status": status, "message": "Kubelet stopped posting node status."}
    cluster.facts.nodes["w2"]["status"]["conditions"] = [condition]
    rows = nodes.check(cluster)
    assert failed(rows) == ["node w2"]
    assert row(rows, "node w2").measured == f"Ready is {status}: Kubelet stopped posting node status."


def test_a_node_that_says_nothing_of_being_ready(cluster: FakeCluster) -> None:
    cluster.facts.nodes["w2"]["status"]["conditions"] = [{"type": "MemoryPressure", "status": "False"}]
    assert failed(nodes.check(cluster)) == ["node w2"]


def test_a_node_that_is_missing(cluster: FakeCluster) -> None:
    del cluster.facts.nodes["w3"]
    rows = nodes.check(cluster)
    assert failed(rows) == ["node w3"]
    assert row(rows, "node w3").measured == "not in the cluster"


@pytest.mark.parametrize(
    ("label", "shown"), [(None, "role missing, not worker"), ("storage", "role storage, not worker")]
)
def test_a_node_with_another_role(cluster: FakeCluster, label: str | None, shown: str) -> None:
    labels = cluster.facts.nodes["w1"]["metadata"]["labels"]
    del labels["node-role.kubernetes.io/worker"]
    if label:
        labels[f"node-role.kubernetes.io/{label}"] = ""
    rows = nodes.check(cluster)
    assert failed(rows) == ["node w1"]
    assert row(rows, "node w1").measured == shown


def test_a_node_at_its_external_address(cluster: FakeCluster) -> None:
    cluster.facts.nodes["cp1"]["status"]["addresses"][0]["address"] = "192.0.2.101"
    rows = nodes.check(cluster)
    assert failed(rows) == ["node cp1"]
    assert "InternalIP 192.0.2.101, not 10." in row(rows, "node cp1").measured


def test_a_node_that_nobody_described(cluster: FakeCluster) -> None:
    cluster.facts.nodes["w9"] = {**cluster.facts.nodes["w1"], "metadata": {"name": "w9"}}
    rows = nodes.check(cluster)
    assert failed(rows) == ["no other node"]
    assert row(rows, "no other node").measured == "w9"


def test_a_replica_that_never_comes(cluster: FakeCluster, session: Session) -> None:
    cluster.facts.available = 2
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx, 3 replicas"]
    assert row(rows, "nginx, 3 replicas").seconds == pytest.approx(session.lab.timeouts.verify_s, abs=2)
    assert "describe pods" in row(rows, "nginx, 3 replicas").detail


def test_replicas_that_share_a_node(cluster: FakeCluster) -> None:
    cluster.facts.spread = ("w1", "w2", "w2")
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx is spread"]
    assert row(rows, "nginx is spread").measured == "w1, w2"


@pytest.mark.parametrize("said", ["", "Connection refused", "HTTP 502", "<html>welcome</html>", "w9"])
def test_a_node_that_does_not_answer_with_a_nodes_name(
    cluster: FakeCluster, answers: dict[str, str], session: Session, said: str
) -> None:
    answers[str(session.lab.machine("w3").external.address)] = said
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx answers at w3"]
    assert (said or "an empty answer") in row(rows, "nginx answers at w3").measured


def test_an_answer_is_waited_for(cluster: FakeCluster, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints reach the nodes some seconds after the pods are available."""
    monkeypatch.setattr(nginx, "_ask", lambda address, port: "w1" if cluster.time.seconds > 7 else "refused")
    rows = nginx.check(cluster)
    assert failed(rows) == []


def test_answers_are_asked_at_external_addresses(
    cluster: FakeCluster, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def ask(address: str, port: int) -> str:
        asked.append((address, port))
        return "w1"

    monkeypatch.setattr(nginx, "_ask", ask)
    nginx.check(cluster)
    nodes = [(str(machine.external.address), 31234) for machine in session.lab.nodes]
    assert asked == [*nodes, ("192.0.2.120", 80)]


def test_a_service_that_does_not_answer_at_its_own_address(cluster: FakeCluster, answers: dict[str, str]) -> None:
    answers["192.0.2.120"] = "No route to host"
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx answers at its own address"]
    assert row(rows, failed(rows)[0]).measured == "http://192.0.2.120:80/: No route to host"
    assert "describe service nginx" in row(rows, failed(rows)[0]).detail


def test_a_service_that_is_given_no_address(cluster: FakeCluster) -> None:
    cluster.facts.service_address = None
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx answers at its own address"]
    assert row(rows, failed(rows)[0]).measured == "the Service was given no address"


def test_without_a_pool_the_service_is_asked_for_at_nodes_alone(cluster: FakeCluster) -> None:
    cluster.session.lab = replace(cluster.session.lab, address_pool=None)
    rows = nginx.check(cluster)
    assert failed(rows) == []
    assert "nginx answers at its own address" not in [one.name for one in rows]
    assert [made["spec"]["type"] for made in cluster.made if made["kind"] == "Service"] == ["NodePort"]


@pytest.mark.parametrize(("classes", "shown"), [((), "none is the default"), (("a", "b"), "a (nfs.csi.k8s.io), b")])
def test_no_or_two_default_classes(cluster: FakeCluster, classes: tuple[str, ...], shown: str) -> None:
    cluster.facts.classes = classes
    rows = storage.check(cluster)
    assert failed(rows) == ["one default StorageClass"]
    assert shown in row(rows, "one default StorageClass").measured


def test_a_claim_that_stays_pending(cluster: FakeCluster) -> None:
    cluster.facts.claim_phase = "Pending"
    rows = storage.check(cluster)
    assert failed(rows) == ["volume is bound"]
    assert "describe persistentvolumeclaim data" in row(rows, "volume is bound").detail


def test_a_volume_that_cannot_be_written(cluster: FakeCluster) -> None:
    cluster.facts.pods["write"] = "Failed"
    rows = storage.check(cluster)
    assert failed(rows) == ["volume is written on w1", "volume is read on w3"]
    assert "pod write failed" in row(rows, "volume is written on w1").measured
    assert "nothing was written" in row(rows, "volume is read on w3").measured


def test_a_volume_that_cannot_be_read_elsewhere(cluster: FakeCluster) -> None:
    cluster.facts.pods["read"] = "Pending"
    assert failed(storage.check(cluster)) == ["volume is read on w3"]


def test_other_bytes_than_were_written(cluster: FakeCluster) -> None:
    cluster.facts.logs = "old data"
    rows = storage.check(cluster)
    assert failed(rows) == ["volume is read on w3"]
    assert "read 'old data', written was" in row(rows, "volume is read on w3").measured


def test_a_reader_on_the_writers_node_proves_nothing_about_another(cluster: FakeCluster) -> None:
    cluster.facts.places["read"] = "w1"
    rows = storage.check(cluster)
    assert failed(rows) == ["volume is read on w3"]
    assert row(rows, "volume is read on w3").measured == "pod read ran on w1, not on w3"


def test_the_writer_and_the_reader_are_on_two_nodes(cluster: FakeCluster) -> None:
    storage.check(cluster)
    places = [made["spec"]["nodeSelector"]["kubernetes.io/hostname"] for made in cluster.made if made["kind"] == "Pod"]
    assert places == ["w1", "w3"]


def refused(reason: str = "FailedMount", message: str = NFS_MOUNT_REFUSED) -> list[dict[str, str]]:
    return [{"reason": "Scheduled", "message": "ok"}, {"reason": reason, "message": message}]


@pytest.mark.parametrize("reason", ["FailedMount", "ProvisioningFailed"])
def test_a_containers_kernel_without_nfs_proves_nothing(
    cluster: FakeCluster, machines: FakeMachines, reason: str
) -> None:
    cluster.facts.pods, cluster.facts.events = {"write": "Pending"}, refused(reason)
    machines.machines["w1"].is_container = True
    rows = storage.check(cluster)
    assert failed(rows) == []
    assert not_proven(rows) == ["volume is written on w1", "volume is read on w3"]
    assert "unknown filesystem type 'nfs4'" in row(rows, "volume is written on w1").measured
    assert cluster.time.seconds < 5


def test_a_machines_own_kernel_without_nfs_is_a_failure(cluster: FakeCluster) -> None:
    cluster.facts.pods, cluster.facts.events = {"write": "Pending"}, refused()
    assert "volume is written on w1" in failed(storage.check(cluster))


@pytest.mark.parametrize(
    "event",
    [
        {"reason": "FailedMount", "message": "mount.nfs4: Connection timed out"},
        {"reason": "FailedMount", "message": "mount.nfs4: access denied by server"},
        {"reason": "Failed", "message": "unknown filesystem type"},
    ],
)
def test_a_container_with_another_trouble_is_a_failure(
    cluster: FakeCluster, machines: FakeMachines, event: dict[str, str]
) -> None:
    """Nothing but the kernel's own refusal of a mount that was tried excuses a row."""
    cluster.facts.pods, cluster.facts.events = {"write": "Pending"}, [event]
    machines.machines["w1"].is_container = True
    assert "volume is written on w1" in failed(storage.check(cluster))


def test_a_volume_that_works_is_ok_in_a_container_too(cluster: FakeCluster, machines: FakeMachines) -> None:
    machines.machines["w1"].is_container = True
    assert {one.result for one in storage.check(cluster)} == {"ok"}


def objects(cluster: FakeCluster, kind: str) -> list[dict[str, Any]]:
    return [made for made in cluster.made if made["kind"] == kind]


def test_all_that_is_made_lies_in_the_own_namespace(cluster: FakeCluster) -> None:
    nginx.check(cluster)
    storage.check(cluster)
    assert {made["metadata"]["namespace"] for made in cluster.made} == {cluster.namespace}
    assert cluster.namespace.startswith("lab-verify-")


def test_the_claim_asks_for_the_default_class(cluster: FakeCluster) -> None:
    storage.check(cluster)
    assert "storageClassName" not in objects(cluster, "PersistentVolumeClaim")[0]["spec"]
