"""Nodes are Ready by heartbeats, and by nothing else."""

from __future__ import annotations

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet

pytestmark = pytest.mark.network


@pytest.fixture
def fourth(plane: ControlPlane, kubelets: dict[str, FakeKubelet]) -> FakeKubelet:
    credential = plane.pki.kubeconfig("w4", plane.server, "system:node:w4", ("system:nodes",))
    return FakeKubelet(credential, "w4").start()


def _ready(plane: ControlPlane, node: str) -> dict[str, str]:
    conditions = plane.json("get", "node", node)["status"]["conditions"]
    return next(one for one in conditions if one["type"] == "Ready")


def test_a_node_whose_heartbeats_stop_is_not_ready_and_comes_back_with_them(
    plane: ControlPlane, fourth: FakeKubelet
) -> None:
    eventually(lambda: _ready(plane, "w4")["status"] == "True")
    fourth.stop()
    eventually(lambda: _ready(plane, "w4")["status"] == "Unknown")
    lost = _ready(plane, "w4")
    assert (lost["reason"], lost["message"]) == ("NodeStatusUnknown", "Kubelet stopped posting node status.")
    assert "NotReady" in plane.kubectl("get", "node", "w4")
    taints = plane.json("get", "node", "w4")["spec"]["taints"]
    assert {(one["key"], one["effect"]) for one in taints} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }

    again = FakeKubelet(plane.pki.folder / "w4.conf", "w4").start()
    eventually(lambda: _ready(plane, "w4")["status"] == "True")
    eventually(lambda: not plane.json("get", "node", "w4")["spec"].get("taints"))
    again.stop()
    plane.kubectl("delete", "node", "w4")


def test_nodes_get_different_pod_ranges_of_the_cluster_cidr(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet]
) -> None:
    def ranges() -> list[str]:
        return [plane.json("get", "node", name)["spec"].get("podCIDR", "") for name in kubelets]

    eventually(lambda: all(ranges()))
    assert len(set(ranges())) == len(kubelets)
    assert all(one.startswith("10.244.") and one.endswith("/24") for one in ranges())


def test_kubectl_shows_a_node_as_it_shows_a_real_one(plane: ControlPlane, kubelets: dict[str, FakeKubelet]) -> None:
    plane.kubectl("label", "node", "w1", "node-role.kubernetes.io/worker=", "--overwrite")
    header, *rows = plane.kubectl("get", "nodes", "-o", "wide").splitlines()
    assert header.split() == [
        "NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION",
        "CONTAINER-RUNTIME",
    ]  # fmt: skip
    first = next(row for row in rows if row.startswith("w1 ")).split()
    assert first[1:3] == ["Ready", "worker"]
    assert first[4:6] == ["v1.36.4", "127.0.0.1"]
    described = plane.kubectl("describe", "node", "w1")
    assert "KubeletReady" in described
    assert "HolderIdentity:  w1" in described


def test_a_drained_node_is_empty_and_gets_no_new_pods(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    plane.deploy("web", namespace, 6)
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    plane.kubectl("drain", "w2", "--ignore-daemonsets", "--timeout=20s")
    assert "SchedulingDisabled" in plane.kubectl("get", "node", "w2")
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    assert " w2 " not in plane.kubectl("get", "pods", "-n", namespace, "-o", "wide")
    plane.kubectl("uncordon", "w2")
