"""The real kubectl against the stand-in: what the product and the project's pages have it do, without warnings."""

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


PLAIN_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: p, namespace: {namespace}}}
spec: {{nodeName: w1, containers: [{{name: c, image: "nginx:1.29"}}]}}
"""


@pytest.fixture
def kustomization(tmp_path: Path, namespace: str) -> Path:
    (tmp_path / "web.yaml").write_text(WEB.format(namespace=namespace, replicas=3), encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]\n", encoding="utf-8")
    return tmp_path


def test_a_server_side_apply_leaves_nothing_for_diff_and_a_changed_line_does(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], kustomization: Path, namespace: str
) -> None:
    apply = ("apply", "--server-side", "--force-conflicts", "-k", str(kustomization))
    diff = ("diff", "--server-side", "-k", str(kustomization))
    assert plane.try_kubectl(*diff).returncode == 1
    plane.kubectl(*apply)
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")  # a status under way differs
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
    plane.apply(manifest + "{a: one, b: two}")
    plane.apply(manifest + "{a: one}")
    assert plane.json("get", "configmap", "c", "-n", namespace)["data"] == {"a": "one"}


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


def _addresses(plane: ControlPlane, namespace: str) -> int:
    """Asked for its slices: of `endpoints` the real server says that they are deprecated."""
    slices = plane.json("get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-n", namespace)["items"]
    return sum(len(endpoint["addresses"]) for one in slices for endpoint in one.get("endpoints") or [])


def test_a_deployment_rolls_out_spread_over_the_nodes_and_its_service_lists_the_pods(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], kustomization: Path, namespace: str
) -> None:
    plane.kubectl("apply", "--server-side", "-k", str(kustomization))
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    pods = plane.json("get", "pods", "-n", namespace, "-l", "app=web")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == set(kubelets)
    eventually(lambda: _addresses(plane, namespace) == 3)
    port = plane.json("get", "service", "web", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767

    text = WEB.format(namespace=namespace, replicas=3).replace("nginx:1.29", "nginx:1.30")
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)
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


@pytest.mark.stand_in("the real server has columns for every built-in kind")
def test_kinds_without_columns_here_are_shown_by_name_and_age(plane: ControlPlane, namespace: str) -> None:
    plane.apply_object("ConfigMap", "c", namespace)
    header, *rows = plane.kubectl("get", "configmaps", "-n", namespace).splitlines()
    assert header.split() == ["NAME", "AGE"]
    assert "c" in {row.split()[0] for row in rows}


def test_describe_tells_the_events_of_an_object(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    """It is what a failed row of verify.nginx shows."""
    plane.deploy("web", namespace, 1)
    plane.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=20s")
    assert f"Successfully assigned {namespace}/web-" in plane.kubectl(
        "describe", "pods", "--selector=app=web", "-n", namespace
    )


def test_scale_changes_how_many_there_are(plane: ControlPlane, namespace: str) -> None:
    plane.deploy("web", namespace, 2)
    plane.kubectl("scale", "deployment/web", "--replicas=0", "-n", namespace)
    assert plane.json("get", "deployment", "web", "-n", namespace)["spec"]["replicas"] == 0


def test_objects_of_a_custom_definition_are_kept_and_go_with_it(plane: ControlPlane, namespace: str) -> None:
    names = "{plural: pools, singular: pool, kind: Pool, shortNames: [pl]}"
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: pools.lab.example}\n"
        f"spec: {{group: lab.example, scope: Namespaced, names: {names}, versions: [{{name: v1, served: true, "
        "storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: "
        "{cidr: {type: string}}}}}}}]}"
    )
    plane.apply(definition)
    plane.kubectl("wait", "--for=condition=Established", "crd/pools.lab.example", "--timeout=10s")
    plane.apply(
        f"apiVersion: lab.example/v1\nkind: Pool\nmetadata: {{name: p, namespace: {namespace}}}\nspec: {{cidr: 10/8}}"
    )
    assert plane.json("get", "pl", "p", "-n", namespace)["spec"] == {"cidr": "10/8"}
    plane.kubectl("delete", "crd", "pools.lab.example")
    assert "doesn't have a resource type" in plane.try_kubectl("get", "pools.lab.example", "-n", namespace).stderr


NOT_SERVED = {
    "kubectl's own create": (("create", "configmap", "c"), "protobuf"),
    "another's view": (("get", "pods", "--as=somebody"), "kubectl --as"),
    "a patch by places": (("patch", "pod", "p", "--type=json", "-p", "[]"), "json-patch"),
    "an edit of lists": (("patch", "pod", "p", "-p", '{"spec": {"containers": [{"$patch": "delete"}]}}'), "$patch"),
    "a selector by sets": (("get", "pods", "-l", "app in (web)"), "label selector"),
    "a log as it grows": (("logs", "-f", "p"), "logs with follow"),
    "a kind by its URL": (("get", "--raw=/apis/batch/v1/jobs"), "jobs of batch in v1"),
    "old discovery": (("get", "--raw=/apis"), "discovery in another form"),
    "a group's discovery": (("get", "--raw=/apis/apps/v1"), "discovery of /apis/apps/v1"),
    "deletion in the foreground": (("delete", "pod", "p", "--cascade=foreground"), "deletion in the foreground"),
}


@pytest.mark.stand_in("the real server serves all of these")
@pytest.mark.parametrize("case", NOT_SERVED)
def test_what_nobody_asks_for_is_refused_as_a_stand_in(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str, case: str
) -> None:
    words, told = NOT_SERVED[case]
    plane.apply(PLAIN_POD.format(namespace=namespace))
    refused = plane.try_kubectl("--namespace", namespace, *words)
    assert refused.returncode == 1
    assert "the stand-in API server does not serve" in refused.stderr
    assert told in refused.stderr


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
    refused = plane.try_kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    assert refused.returncode == 1
    assert words in refused.stderr


def test_not_found_already_exists_and_a_missing_namespace_read_as_usual(plane: ControlPlane, namespace: str) -> None:
    def create(where: str) -> str:
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {where}}}\n"
        return plane.try_kubectl("create", "--filename=-", stdin=text).stderr

    missing = plane.try_kubectl("get", "deployment", "nope", "-n", namespace)
    assert missing.stderr.strip() == 'Error from server (NotFound): deployments.apps "nope" not found'
    assert create(namespace) == ""
    assert 'configmaps "c" already exists' in create(namespace)
    assert 'namespaces "nowhere" not found' in create("nowhere")
