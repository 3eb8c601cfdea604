"""The real kubectl against the stand-in: what people type every day, without warnings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet

pytestmark = pytest.mark.network

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}, labels: {{app: web}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {{matchLabels: {{app: web}}}}
      containers:
        - name: nginx
          image: docker.io/library/nginx:1.29
          env: [{{name: NODE_NAME, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}]
          ports: [{{containerPort: 80}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: 80}}]}}
"""


@pytest.fixture
def kustomization(tmp_path: Path, namespace: str) -> Path:
    (tmp_path / "web.yaml").write_text(WEB.format(namespace=namespace, replicas=3), encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]\n", encoding="utf-8")
    return tmp_path


def test_a_server_side_apply_leaves_nothing_for_diff_and_a_changed_line_does(
    plane: ControlPlane, kustomization: Path, namespace: str
) -> None:
    apply = ("apply", "--server-side", "--force-conflicts", "-k", str(kustomization))
    diff = ("diff", "--server-side", "-k", str(kustomization))
    assert plane.try_kubectl(*diff).returncode == 1
    plane.kubectl(*apply)
    assert plane.try_kubectl(*diff).returncode == 0
    version = plane.json("get", "deployment", "web", "-n", namespace)["metadata"]["generation"]
    plane.kubectl(*apply)
    assert plane.json("get", "deployment", "web", "-n", namespace)["metadata"]["generation"] == version

    (kustomization / "web.yaml").write_text(WEB.format(namespace=namespace, replicas=2), encoding="utf-8")
    changed = plane.try_kubectl(*diff)
    assert changed.returncode == 1
    assert "+  replicas: 2" in changed.stdout
    assert plane.json("get", "deployment", "web", "-n", namespace)["spec"]["replicas"] == 3


def test_a_field_that_leaves_the_manifest_leaves_the_object(plane: ControlPlane, namespace: str) -> None:
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {namespace}}}\ndata: "
    for flags in (("--server-side",), ()):
        plane.kubectl("apply", *flags, "-f", "-", stdin=manifest + "{a: one, b: two}")
        plane.kubectl("apply", *flags, "-f", "-", stdin=manifest + "{a: one}")
        assert plane.json("get", "configmap", "c", "-n", namespace)["data"] == {"a": "one"}
        plane.kubectl("delete", "configmap", "c", "-n", namespace)


def test_two_managers_conflict_over_a_field_unless_one_forces(plane: ControlPlane, namespace: str) -> None:
    def apply(value: str, manager: str, *flags: str) -> subprocess.CompletedProcess[str]:
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {namespace}}}\ndata: {{a: {value}}}"
        return plane.try_kubectl("apply", "--server-side", f"--field-manager={manager}", *flags, "-f", "-", stdin=text)

    assert apply("one", "first").returncode == 0
    refused = apply("two", "second")
    assert refused.returncode != 0
    assert 'conflict with "first": .data.a' in refused.stderr
    assert apply("two", "second", "--force-conflicts").returncode == 0
    assert plane.json("get", "configmap", "c", "-n", namespace)["data"] == {"a": "two"}


def test_a_deployment_rolls_out_spread_over_the_nodes_and_its_service_lists_the_pods(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], kustomization: Path, namespace: str
) -> None:
    plane.kubectl("apply", "-k", str(kustomization))
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    pods = plane.json("get", "pods", "-n", namespace, "-l", "app=web")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == set(kubelets)
    eventually(lambda: plane.kubectl("get", "endpoints", "web", "-n", namespace).count(":80") == 3)
    port = plane.json("get", "service", "web", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767

    plane.kubectl("set", "env", "deployment/web", "COLOUR=blue", "-n", namespace)
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    plane.kubectl("wait", "--for=condition=Available", "deployment/web", "-n", namespace, "--timeout=10s")
    sets = plane.json("get", "replicasets", "-n", namespace)["items"]
    assert sorted(one["spec"]["replicas"] for one in sets) == [0, 3]
    plane.kubectl("delete", "deployment", "web", "-n", namespace)
    eventually(lambda: not plane.json("get", "pods,replicasets", "-n", namespace)["items"])


def test_logs_come_from_the_kubelet_that_the_server_asks_with_its_own_certificate(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    plane.kubectl("run", "one", "--image=nginx:1.29", "-n", namespace)
    plane.kubectl("wait", "--for=condition=Ready", "pod/one", "-n", namespace, "--timeout=20s")
    told = plane.kubectl("logs", "one", "-n", namespace, "--tail=5")
    assert told.strip() == (f"/containerLogs/{namespace}/one/one?tailLines=5 asked by kube-apiserver-kubelet-client")


def test_a_watch_shows_changes_as_they_happen(plane: ControlPlane, namespace: str, kubectl: Path) -> None:
    here = ("-n", namespace)
    eventually(lambda: plane.try_kubectl("get", "configmap", "kube-root-ca.crt", *here).returncode == 0)
    environment = {"KUBECONFIG": str(plane.admin), "HOME": str(plane.folder)}
    command = [str(kubectl), "get", "configmaps", "--watch", "--output-watch-events", "--no-headers", *here]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watcher:
        try:
            assert watcher.stdout is not None
            assert "kube-root-ca.crt" in watcher.stdout.readline()
            plane.kubectl("create", "configmap", "seen", "--from-literal=a=b", *here)
            assert watcher.stdout.readline().split()[:2] == ["ADDED", "seen"]
            plane.kubectl("delete", "configmap", "seen", *here)
            assert watcher.stdout.readline().split()[:2] == ["DELETED", "seen"]
        finally:
            watcher.kill()


def test_everyday_commands_work_without_a_warning(plane: ControlPlane, namespace: str) -> None:
    here = ("-n", namespace)
    plane.kubectl("create", "configmap", "c", "--from-literal=a=b", *here)
    plane.kubectl("create", "secret", "generic", "s", "--from-literal=a=b", *here)
    assert plane.json("get", "secret", "s", *here)["data"] == {"a": "Yg=="}
    plane.kubectl("label", "configmap", "c", "x=y", *here)
    plane.kubectl("annotate", "configmap", "c", "q=z", *here)
    plane.kubectl("patch", "configmap", "c", "--type=merge", "-p", '{"data":{"c":"d"}}', *here)
    plane.kubectl("patch", "configmap", "c", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]', *here)
    found = plane.json("get", "configmap", "c", *here)
    assert (found["data"], found["metadata"]["labels"]) == ({"c": "d"}, {"x": "y"})
    plane.kubectl("create", "deployment", "d", "--image=nginx", "--replicas=2", "--port=80", *here)
    plane.kubectl("expose", "deployment", "d", "--type=NodePort", *here)
    plane.kubectl("scale", "deployment", "d", "--replicas=1", *here)
    assert plane.json("get", "deployment", "d", *here)["spec"]["replicas"] == 1
    for words in (("get", "all"), ("get", "all", "-A"), ("describe", "deployment", "d"), ("get", "events")):
        assert plane.kubectl(*words, *(() if "-A" in words else here))
    assert "v1.36.4" in plane.kubectl("version")
    assert plane.kubectl("auth", "can-i", "create", "pods", *here).strip() == "yes"
    plane.kubectl("delete", "configmap,secret,service,deployment", "--all", *here)


def test_objects_of_a_custom_definition_are_kept_listed_and_go_with_it(plane: ControlPlane, namespace: str) -> None:
    names = "{plural: pools, singular: pool, kind: Pool, shortNames: [pl]}"
    columns = "[{name: Cidr, type: string, jsonPath: .spec.cidr}]"
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: pools.lab.example}\n"
        f"spec: {{group: lab.example, scope: Namespaced, names: {names}, versions: [{{name: v1, served: true, "
        f"storage: true, additionalPrinterColumns: {columns}, schema: {{openAPIV3Schema: {{type: object}}}}}}]}}"
    )
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=definition)
    plane.kubectl("wait", "--for=condition=Established", "crd/pools.lab.example", "--timeout=10s")
    pool = (
        f"apiVersion: lab.example/v1\nkind: Pool\nmetadata: {{name: p, namespace: {namespace}}}\nspec: {{cidr: 10/8}}"
    )
    plane.kubectl("apply", "-f", "-", stdin=pool)
    assert plane.kubectl("get", "pl", "-n", namespace).split() == ["NAME", "CIDR", "p", "10/8"]
    plane.kubectl("delete", "crd", "pools.lab.example")
    assert "doesn't have a resource type" in plane.try_kubectl("get", "pools.lab.example", "-n", namespace).stderr


REFUSALS = {
    "an unknown field": ("spec: {containers: [{name: c, image: i, foo: 1}]}", 'unknown field "spec.containers[0].foo"'),
    "no container": ("spec: {containers: []}", 'Pod "p" is invalid: spec.containers: Required value'),
    "a volume that is not there": (
        "spec: {containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /v}]}]}",
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    "a priority class that is not there": (
        "spec: {priorityClassName: high, containers: [{name: c, image: i}]}",
        'pods "p" is forbidden: no PriorityClass with name high was found',
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_bad_pod_is_refused_in_the_real_words(plane: ControlPlane, namespace: str, case: str) -> None:
    spec, words = REFUSALS[case]
    manifest = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {namespace}}}\n{spec}"
    refused = plane.try_kubectl("apply", "-f", "-", stdin=manifest)
    assert refused.returncode == 1
    assert words in refused.stderr


def test_not_found_already_exists_and_a_missing_namespace_read_as_usual(plane: ControlPlane, namespace: str) -> None:
    missing = plane.try_kubectl("get", "deployment", "nope", "-n", namespace)
    assert missing.stderr.strip() == 'Error from server (NotFound): deployments.apps "nope" not found'
    plane.kubectl("create", "configmap", "c", "-n", namespace)
    twice = plane.try_kubectl("create", "configmap", "c", "-n", namespace)
    assert 'configmaps "c" already exists' in twice.stderr
    nowhere = plane.try_kubectl("create", "configmap", "c", "-n", "nowhere")
    assert 'namespaces "nowhere" not found' in nowhere.stderr
