"""Each row fails for its own reason, and only that row."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from labkit.session import Session
from labkit.verify import nginx, nodes, storage
from labkit.verify.rows import Row
from tests.unit.verify.conftest import FakeMachines
from tests.unit.verify.fakes import NFS_MOUNT_REFUSED, FakeCluster, by_name, failed

WRITTEN, READ = "volume is written on w1", "volume is read on w3"
STORAGE = {"node-role.kubernetes.io/storage": ""}
EXTERNAL = [{"type": "InternalIP", "address": "192.0.2.101"}]
OLDER = {"kubeletVersion": "v1.35.0"}
OUTSIDE = "InternalIP 192.0.2.101"


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


def says(nodes: Any, kind: str, status: str) -> None:
    nodes["w2"]["status"]["conditions"] = [{"type": kind, "status": status, "message": "no kubelet"}]


@pytest.mark.parametrize(
    ("change", "name", "seen"),
    [
        (lambda nodes: says(nodes, "Ready", "False"), "node w2", "Ready is False: no kubelet"),
        (lambda nodes: says(nodes, "Ready", "Unknown"), "node w2", "Ready is Unknown: no kubelet"),
        (lambda nodes: says(nodes, "MemoryPressure", "False"), "node w2", "says nothing of being Ready"),
        (lambda nodes: nodes.pop("w3"), "node w3", "not in the cluster"),
        (lambda nodes: nodes["w1"]["metadata"].update(labels={}), "node w1", "role missing, not worker"),
        (lambda nodes: nodes["w1"]["metadata"].update(labels=STORAGE), "node w1", "role storage, not worker"),
        (lambda nodes: nodes["cp1"]["status"].update(addresses=EXTERNAL), "node cp1", f"{OUTSIDE}, not 10.190.87.12"),
        (lambda nodes: nodes["w3"]["status"].update(nodeInfo=OLDER), "node w3", "kubelet v1.35.0, not v1.36.4"),
        (lambda nodes: nodes.update(w9={**nodes["w1"], "metadata": {"name": "w9"}}), "no other node", "w9"),
    ],
)
def test_a_node_that_is_not_as_described(cluster: FakeCluster, change: Any, name: str, seen: str) -> None:
    change(cluster.facts.nodes)
    rows = nodes.check(cluster)
    assert failed(rows) == [name]
    assert by_name(rows)[name].measured == seen


def test_a_replica_that_never_comes(cluster: FakeCluster, session: Session) -> None:
    cluster.facts.available = 2
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx, 3 replicas"]
    assert by_name(rows)["nginx, 3 replicas"].seconds == pytest.approx(session.lab.timeouts.verify_s, abs=2)
    assert "describe pods" in by_name(rows)["nginx, 3 replicas"].detail


def test_replicas_that_share_a_node(cluster: FakeCluster) -> None:
    cluster.facts.spread = ("w1", "w2", "w2")
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx is spread"]
    assert by_name(rows)["nginx is spread"].measured == "w1, w2"


@pytest.mark.parametrize("said", ["", "Connection refused", "HTTP 502", "<html>welcome</html>", "w9"])
def test_a_node_that_does_not_answer_with_a_nodes_name(
    cluster: FakeCluster, answers: dict[str, str], session: Session, said: str
) -> None:
    answers[str(session.lab.machine("w3").external.address)] = said
    rows = nginx.check(cluster)
    assert failed(rows) == ["nginx answers at w3"]
    assert (said or "an empty answer") in by_name(rows)["nginx answers at w3"].measured


def test_an_answer_is_waited_for(cluster: FakeCluster, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints reach the nodes some seconds after the pods are available."""
    monkeypatch.setattr(nginx, "_ask", lambda address, port: "w1" if sum(cluster.slept) > 7 else "refused")
    assert failed(nginx.check(cluster)) == []


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


@pytest.mark.parametrize(
    ("given", "seen"),
    [("192.0.2.120", "http://192.0.2.120:80/: No route to host"), (None, "the Service was given no address")],
)
def test_a_service_that_does_not_answer_at_its_own_address(
    cluster: FakeCluster, answers: dict[str, str], given: str | None, seen: str
) -> None:
    cluster.facts.service_address = given
    answers["192.0.2.120"] = "No route to host"
    rows = nginx.check(cluster)
    assert failed(rows) == [rows[-1].name] == ["nginx answers at its own address"]
    assert rows[-1].measured == seen
    assert "describe service nginx" in rows[-1].detail


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
    assert shown in by_name(rows)["one default StorageClass"].measured


@pytest.mark.parametrize(
    ("change", "seen", "detail"),
    [
        ({"claim_phase": "Pending"}, {"volume is bound": r"not so after \d+ s"}, "describe persistentvolumeclaim data"),
        (
            {"pods": {"write": "Failed"}},
            {WRITTEN: "pod write failed: .*", READ: "nothing was written: pod write failed: .*"},
            "describe pod write",
        ),
        ({"pods": {"read": "Pending"}}, {READ: r"not so after \d+ s"}, "describe pod read"),
        ({"logs": "old data"}, {READ: "read 'old data', written was '[0-9a-f]{16}'"}, ""),
        ({"places": {"read": "w1"}}, {READ: "pod read ran on w1, not on w3"}, "describe pod read"),
    ],
)
def test_a_volume_that_is_not_bound_written_or_read_elsewhere(
    cluster: FakeCluster, change: dict[str, Any], seen: dict[str, str], detail: str
) -> None:
    cluster.facts = replace(cluster.facts, **change)
    rows = storage.check(cluster)
    assert failed(rows) == list(seen)
    for name, measured in seen.items():
        assert re.fullmatch(measured, by_name(rows)[name].measured)
    assert detail in by_name(rows)[failed(rows)[0]].detail


def mount_ends(cluster: FakeCluster, reason: str, message: str) -> list[Row]:
    """The rows where the writer's volume is never mounted."""
    cluster.facts.pods = {"write": "Pending"}
    cluster.facts.events = [{"reason": "Scheduled", "message": "ok"}, {"reason": reason, "message": message}]
    return storage.check(cluster)


@pytest.mark.parametrize("reason", ["FailedMount", "ProvisioningFailed"])
def test_a_containers_kernel_without_nfs_proves_nothing(
    cluster: FakeCluster, machines: FakeMachines, reason: str
) -> None:
    machines.machines["w1"].is_container = True
    rows = mount_ends(cluster, reason, NFS_MOUNT_REFUSED)
    assert failed(rows) == []
    assert [row.name for row in rows if row.result == "not proven here"] == [WRITTEN, READ]
    assert "unknown filesystem type 'nfs4'" in by_name(rows)[WRITTEN].measured
    assert sum(cluster.slept) < 5


@pytest.mark.parametrize(
    ("is_container", "reason", "message"),
    [
        (False, "FailedMount", NFS_MOUNT_REFUSED),
        (True, "FailedMount", "mount.nfs4: Connection timed out"),
        (True, "FailedMount", "mount.nfs4: access denied by server"),
        (True, "Failed", "unknown filesystem type"),
    ],
)
def test_nothing_but_the_refusal_of_a_mount_by_a_containers_kernel_excuses_a_row(
    cluster: FakeCluster, machines: FakeMachines, is_container: bool, reason: str, message: str
) -> None:
    machines.machines["w1"].is_container = is_container
    assert WRITTEN in failed(mount_ends(cluster, reason, message))


def test_a_volume_that_works_is_ok_in_a_container_too(cluster: FakeCluster, machines: FakeMachines) -> None:
    machines.machines["w1"].is_container = True
    assert {one.result for one in storage.check(cluster)} == {"ok"}


def test_all_that_is_made_lies_in_the_own_namespace(cluster: FakeCluster) -> None:
    nginx.check(cluster)
    storage.check(cluster)
    assert {made["metadata"]["namespace"] for made in cluster.made} == {cluster.namespace}
    assert cluster.namespace.startswith("lab-verify-")


def test_the_claim_asks_for_the_default_class(cluster: FakeCluster) -> None:
    storage.check(cluster)
    (claim,) = (made for made in cluster.made if made["kind"] == "PersistentVolumeClaim")
    assert "storageClassName" not in claim["spec"]
