"""What is stored survives; what binds volumes binds them; idle costs next to nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet

pytestmark = pytest.mark.network


def test_a_server_that_is_killed_comes_back_with_everything_that_it_acknowledged(kubectl: Path, tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path, kubectl)
    try:
        plane.start_server()
        plane.bind_admins()
        plane.apply_object("ConfigMap", "kept", "kube-system", data={"a": "b"})
        before = plane.json("get", "configmap", "kept", "-n", "kube-system")
        plane.kill("apiserver")
        plane.start_server()
        assert plane.json("get", "configmap", "kept", "-n", "kube-system") == before
        plane.apply_object("ConfigMap", "next", "kube-system")
        after = plane.json("get", "configmap", "next", "-n", "kube-system")
        assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])
    finally:
        plane.stop()


def test_controllers_scheduler_and_kubelets_carry_on_when_the_server_comes_back(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    plane.kill("apiserver")
    plane.start_server()
    plane.deploy("after", namespace, 3)
    plane.kubectl("rollout", "status", "deployment/after", "-n", namespace, "--timeout=30s")
    assert len(plane.json("get", "pods", "-n", namespace)["items"]) == 3
    eventually(lambda: plane.kubectl("get", "nodes", "--no-headers").count(" Ready ") == len(kubelets))


CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: nfs-csi, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: nfs.csi.k8s.io
"""
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {namespace}}}
spec: {{accessModes: [ReadWriteMany], resources: {{requests: {{storage: 10Mi}}}}}}
"""
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pvc-{uid}, annotations: {{pv.kubernetes.io/provisioned-by: nfs.csi.k8s.io}}}}
spec:
  accessModes: [ReadWriteMany]
  capacity: {{storage: 10Mi}}
  storageClassName: nfs-csi
  persistentVolumeReclaimPolicy: Delete
  claimRef: {{apiVersion: v1, kind: PersistentVolumeClaim, name: data, namespace: {namespace}, uid: {uid}}}
  csi: {{driver: nfs.csi.k8s.io, volumeHandle: x}}
"""


def test_a_claim_asks_the_provisioner_of_the_default_class_and_binds_to_its_volume(
    plane: ControlPlane, namespace: str
) -> None:
    plane.apply(CLASS)
    plane.apply(CLAIM.format(namespace=namespace))

    def claim() -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = plane.json("get", "pvc", "data", "-n", namespace)
        return found

    eventually(lambda: claim()["metadata"].get("annotations"))
    annotations = claim()["metadata"]["annotations"]
    assert isinstance(annotations, dict)
    assert annotations["volume.kubernetes.io/storage-provisioner"] == "nfs.csi.k8s.io"
    assert claim()["status"]["phase"] == "Pending"
    uid = claim()["metadata"]["uid"]
    plane.apply(VOLUME.format(uid=uid, namespace=namespace))
    plane.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/data", "-n", namespace, "--timeout=10s")
    plane.kubectl("delete", "pvc", "data", "-n", namespace)
    phase = ("get", "pv", f"pvc-{uid}", "-o", "jsonpath={.status.phase}")
    eventually(lambda: plane.kubectl(*phase) == "Released")
    plane.kubectl("delete", "pv", f"pvc-{uid}")
    plane.kubectl("delete", "storageclass", "nfs-csi")


def test_a_deleted_namespace_takes_what_is_in_it_along(plane: ControlPlane) -> None:
    plane.apply_object("Namespace", "gone")
    plane.apply_object("ConfigMap", "c", "gone")
    plane.kubectl("delete", "namespace", "gone", "--timeout=20s")
    assert "NotFound" in plane.try_kubectl("get", "namespace", "gone").stderr
    assert not plane.json("get", "configmaps", "-n", "gone")["items"]


def test_a_daemonset_runs_on_every_node_that_it_tolerates(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    def taint(taints: str) -> None:
        plane.kubectl("patch", "node", "w1", "--type=merge", "-p", f'{{"spec": {{"taints": {taints}}}}}')

    taint('[{"key": "special", "effect": "NoSchedule"}]')
    manifest = (
        f"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: agent, namespace: {namespace}}}\n"
        "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, "
        "spec: {containers: [{name: c, image: 'nginx:1.29'}]}}}"
    )
    plane.apply(manifest)
    plane.kubectl("rollout", "status", "daemonset/agent", "-n", namespace, "--timeout=20s")

    def nodes() -> set[str]:
        pods = plane.json("get", "pods", "-n", namespace)["items"]
        return {pod["spec"].get("nodeName", "") for pod in pods}

    assert nodes() == {"w2", "w3"}
    taint("null")
    eventually(lambda: nodes() == {"w1", "w2", "w3"})


@pytest.mark.stand_in("it has two cores for all that it imitates; the real one takes a sixth of a core")
def test_an_idle_control_plane_leaves_the_processor_alone(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet]
) -> None:
    """Three nodes with a heartbeat twice a second, twenty times what real kubelets send."""
    watched_s = 5.0
    before = plane.cpu_seconds()
    time.sleep(watched_s)
    assert (plane.cpu_seconds() - before) / watched_s < 0.1
