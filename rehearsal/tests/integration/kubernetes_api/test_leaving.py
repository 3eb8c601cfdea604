"""A node leaves the cluster as k8s.replace lets it: the real kubectl, and pods that go, cannot go, or never end."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from labkit.errors import LabError
from labkit.k8s import kubectl, nodes
from labkit.session import Session
from labkit.transport.remote import Result
from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet

pytestmark = pytest.mark.network
WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      nodeSelector: {{kubernetes.io/hostname: w5}}
      containers: [{{name: nginx, image: "nginx:1.29"}}]
      volumes: [{{name: scratch, emptyDir: {{}}}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{containers: [{{name: agent, image: "nginx:1.29"}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: naked, namespace: {namespace}}}
spec: {{nodeName: w5, containers: [{{name: nginx, image: "nginx:1.29"}}]}}
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: {namespace}}}
spec: {{minAvailable: 2, selector: {{matchLabels: {{app: web}}}}}}
"""


class OnThisComputer:
    """The control plane's shell, as far as kubectl is typed there."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane

    def to(self, _machine: Any) -> OnThisComputer:
        return self

    def sudo(self, command: str, *, check: bool = True, **_: Any) -> Result:
        words = shlex.split(command)
        if words[:2] == ["test", "-e"]:
            return Result("", "", 0)
        assert words[:3] == ["kubectl", "--kubeconfig", kubectl.ADMIN]
        done = self.plane.try_kubectl(*words[3:])
        if check and done.returncode:
            raise LabError(f"cp1: {done.stderr}")
        return Result(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def here(session: Session, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Session:
    session.__dict__["machines"] = cast(Any, OnThisComputer(plane))
    monkeypatch.setattr(nodes, "DRAIN_S", 8.0)
    return session


@pytest.fixture
def fifth(plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str) -> Iterator[FakeKubelet]:
    """A node with two pods of a Deployment, one of a DaemonSet and one of nobody."""
    credential = plane.pki.kubeconfig("w5", plane.server, "system:node:w5", ("system:nodes",))
    kubelet = FakeKubelet(credential, "w5").start()
    eventually(lambda: " Ready " in plane.kubectl("get", "node", "w5", "--no-headers"))
    plane.apply(WORKLOAD.format(namespace=namespace))
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    plane.kubectl("wait", "--for=condition=Ready", "pod/naked", "-n", namespace, "--timeout=20s")
    eventually(lambda: sum(name.startswith("agent") for name in pods(plane, namespace)) == 1)
    yield kubelet
    kubelet.stop()
    plane.kubectl("delete", "node", "w5", "--ignore-not-found")


def pods(plane: ControlPlane, namespace: str) -> list[str]:
    """The pods on w5."""
    items = plane.json("get", "pods", "-n", namespace, "--field-selector=spec.nodeName=w5")["items"]
    return [item["metadata"]["name"] for item in items]


def found(session: Session) -> nodes.Node:
    node = nodes.find(session, "w5")
    assert node is not None
    return node


def test_a_ready_node_tells_what_goes_is_emptied_and_forgotten(
    here: Session, plane: ControlPlane, fifth: FakeKubelet, namespace: str
) -> None:
    node = found(here)
    assert (node.is_ready, node.moving) == (True, 2)
    assert f"pod {namespace}/naked, which nothing makes anew" in node.lost
    assert len([line for line in node.lost if f"{namespace}/web-" in line and "(scratch)" in line]) == 2
    nodes.drain(here, node)
    assert [name for name in pods(plane, namespace) if not name.startswith("agent")] == []
    fifth.stop()
    nodes.forget(here, "w5")
    nodes.forget(here, "w5")
    assert nodes.find(here, "w5") is None


def test_a_disruption_budget_ends_it_and_the_pods_stay(
    here: Session, plane: ControlPlane, fifth: FakeKubelet, namespace: str
) -> None:
    plane.apply(BUDGET.format(namespace=namespace))
    with pytest.raises(LabError, match="w5 was not drained within 8 s"):
        nodes.drain(here, found(here))
    assert sum(name.startswith("web-") for name in pods(plane, namespace)) == 2
    assert "SchedulingDisabled" in plane.kubectl("get", "node", "w5")


def test_a_node_without_heartbeats_is_not_waited_for(
    here: Session, plane: ControlPlane, fifth: FakeKubelet, namespace: str
) -> None:
    fifth.stop()
    eventually(lambda: not found(here).is_ready)
    begin = time.monotonic()
    nodes.drain(here, found(here))
    assert time.monotonic() - begin < 2


def test_a_node_that_loses_them_meanwhile_costs_one_deadline(
    here: Session, plane: ControlPlane, fifth: FakeKubelet, namespace: str
) -> None:
    node = found(here)
    fifth.stop()
    nodes.drain(here, node)
    assert not found(here).is_ready
