"""Requests through the whole API, without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.kubernetes.api import unserved
from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.identity import ANONYMOUS, User
from rehearsal.tests.unit.kubernetes_api.conftest import Call

HERE = "/api/v1/namespaces/default"
CONTAINER = {"name": "c", "image": "nginx:1.29"}
APPLY = "application/apply-patch+yaml"


def _body(kind: str, name: str, api_version: str = "v1", **rest: Any) -> bytes:
    return json.dumps({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}).encode()


def _pod(name: str = "p", **spec: Any) -> bytes:
    return _body("Pod", name, spec={"containers": [CONTAINER], **spec})


def test_a_new_pod_gets_the_defaults_of_the_real_server(call: Call) -> None:
    pod = call("POST", f"{HERE}/pods", _pod())
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    expected = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "default",
        "priority": 0,
        "schedulerName": "default-scheduler",
    }
    assert expected.items() <= pod["spec"].items()
    assert [one["tolerationSeconds"] for one in pod["spec"]["tolerations"]] == [300, 300]


def test_a_pod_on_a_node_is_deleted_only_when_its_kubelet_says_so(call: Call) -> None:
    call("POST", f"{HERE}/pods", _pod(nodeName="w1"))
    asked = call("DELETE", f"{HERE}/pods/p")
    assert asked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert call("GET", f"{HERE}/pods/p")["metadata"]["deletionTimestamp"]
    done = call("DELETE", f"{HERE}/pods/p", b'{"gracePeriodSeconds": 0}')
    assert done["status"] == "Success"
    with pytest.raises(ApiError, match='pods "p" not found'):
        call("GET", f"{HERE}/pods/p")


def test_an_object_with_a_finalizer_waits_for_it(call: Call) -> None:
    call("POST", f"{HERE}/configmaps", b'{"metadata": {"name": "c", "finalizers": ["lab/held"]}}')
    call("DELETE", f"{HERE}/configmaps/c")
    assert call("GET", f"{HERE}/configmaps/c")["metadata"]["deletionTimestamp"]
    patch = b'{"metadata": {"finalizers": null}}'
    call("PATCH", f"{HERE}/configmaps/c", patch, "application/merge-patch+json")
    assert call("GET", f"{HERE}/configmaps")["items"] == []


def test_an_update_of_an_old_version_conflicts(call: Call) -> None:
    first = call("POST", f"{HERE}/configmaps", _body("ConfigMap", "c", data={"a": "1"}))
    call("PUT", f"{HERE}/configmaps/c", json.dumps({**first, "data": {"a": "2"}}).encode())
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        call("PUT", f"{HERE}/configmaps/c", json.dumps({**first, "data": {"a": "3"}}).encode())
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")


def test_a_dry_run_stores_nothing_and_an_unchanged_patch_keeps_the_version(call: Call) -> None:
    call("POST", f"{HERE}/configmaps", _body("ConfigMap", "c"), dryRun="All")
    assert call("GET", f"{HERE}/configmaps")["items"] == []
    made = call("POST", f"{HERE}/configmaps", _body("ConfigMap", "c", data={"a": "1"}))
    same = call("PATCH", f"{HERE}/configmaps/c", b'{"data": {"a": "1"}}', "application/merge-patch+json")
    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_status_and_spec_are_written_separately(call: Call) -> None:
    call("POST", f"{HERE}/pods", _pod())
    merge = "application/merge-patch+json"
    body = b'{"spec": {"nodeName": "w9"}, "status": {"phase": "Running"}}'
    changed = call("PATCH", f"{HERE}/pods/p/status", body, merge)
    assert changed["status"]["phase"] == "Running"
    assert "nodeName" not in changed["spec"]
    kept = call("PATCH", f"{HERE}/pods/p", b'{"status": {"phase": "Failed"}}', merge)
    assert kept["status"]["phase"] == "Running"


def test_a_pod_is_bound_once(call: Call) -> None:
    call("POST", f"{HERE}/pods", _pod())
    binding = _body("Binding", "p", target={"kind": "Node", "name": "w1"})
    call("POST", f"{HERE}/pods/p/binding", binding)
    pod = call("GET", f"{HERE}/pods/p")
    assert pod["spec"]["nodeName"] == "w1"
    assert pod["status"]["conditions"][0]["type"] == "PodScheduled"
    with pytest.raises(ApiError, match='already assigned to node "w1"'):
        call("POST", f"{HERE}/pods/p/binding", binding)


def test_services_get_free_addresses_and_ports_of_their_ranges(call: Call) -> None:
    spec = {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}
    made = [call("POST", f"{HERE}/services", _body("Service", f"s{number}", spec=spec)) for number in range(11)]
    assert len({one["spec"]["clusterIP"] for one in made}) == 11
    assert {one["spec"]["ports"][0]["nodePort"] for one in made} == set(range(30000, 30011))
    with pytest.raises(ApiError, match="provided port is already allocated"):
        call(
            "POST", f"{HERE}/services", _body("Service", "t", spec={**spec, "ports": [{"port": 1, "nodePort": 30000}]})
        )
    with pytest.raises(ApiError, match="The range of valid ports is 30000-30010"):
        call("POST", f"{HERE}/services", _body("Service", "t", spec={**spec, "ports": [{"port": 1, "nodePort": 80}]}))


def test_an_eviction_waits_for_the_disruption_budget(call: Call) -> None:
    call("POST", f"{HERE}/pods", b'{"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"containers": [%s]}}'
         % json.dumps(CONTAINER).encode())  # fmt: skip
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    call("POST", path, _body("PodDisruptionBudget", "b", "policy/v1", spec=budget))
    eviction = _body("Eviction", "p", "policy/v1")
    with pytest.raises(ApiError, match="would violate the pod's disruption budget") as refused:
        call("POST", f"{HERE}/pods/p/eviction", eviction)
    assert refused.value.code == 429
    call("DELETE", f"{path}/b")
    call("POST", f"{HERE}/pods/p/eviction", eviction)
    assert call("GET", f"{HERE}/pods")["items"] == []


WRONG: dict[str, tuple[str, str, bytes, int, str]] = {
    "an unknown path": ("GET", "/apis/none/v1/things", b"", 404, "could not find the requested resource"),
    "a kind that nobody asks for": (
        "GET",
        "/apis/batch/v1/jobs",
        b"",
        501,
        "the stand-in API server does not serve jobs",
    ),
    "a whole collection": ("DELETE", f"{HERE}/pods", b"", 501, "the deletion of a whole collection"),
    "another kind": ("POST", f"{HERE}/pods", _body("Secret", "s"), 400, "cannot be handled as a Pod"),
    "another version": (
        "POST",
        f"{HERE}/pods",
        _body("Pod", "p", "v2"),
        400,
        "does not match the expected API version",
    ),
    "no JSON": ("POST", f"{HERE}/pods", b"{", 400, "must be of type Object"),
    "a bad name": ("POST", f"{HERE}/configmaps", _body("ConfigMap", "A_b"), 422, "a lowercase RFC 1123 subdomain"),
    "labels that miss the selector": (
        "POST",
        "/apis/apps/v1/namespaces/default/deployments",
        _body(
            "Deployment",
            "d",
            "apps/v1",
            spec={"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": [CONTAINER]}}},
        ),
        422,
        "`selector` does not match template `labels`",
    ),
    "a namespace that is needed": ("DELETE", "/api/v1/namespaces/kube-system", b"", 403, "may not be deleted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_requests_are_refused_with_the_real_code_and_words(call: Call, case: str) -> None:
    method, path, body, code, words = WRONG[case]
    with pytest.raises(ApiError) as refused:
        call(method, path, body)
    assert refused.value.code == code
    assert words in refused.value.message
    status = refused.value.status()
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)


def test_an_immutable_field_stays(call: Call) -> None:
    call("POST", f"{HERE}/pods", _pod(nodeName="w1"))
    patch = b'{"spec": {"hostNetwork": true}}'
    with pytest.raises(ApiError, match="pod updates may not change fields"):
        call("PATCH", f"{HERE}/pods/p", patch, "application/merge-patch+json")


UNSERVED: dict[str, tuple[dict[str, Any], str]] = {
    "a user": ({"securityContext": {"runAsUser": 1000}}, "securityContext.runAsUser"),
    "affinity to pods": ({"affinity": {"podAntiAffinity": {"x": []}}}, "affinity.podAntiAffinity"),
    "a volume": ({"volumes": [{"name": "v", "projected": {}}]}, "volumes of projected"),
    "a sidecar": ({"initContainers": [{**CONTAINER, "name": "i", "restartPolicy": "Always"}]}, "initContainers"),
    "a variable": (
        {"containers": [{**CONTAINER, "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}]},
        "env from secretKeyRef",
    ),
    "a probe": ({"containers": [{**CONTAINER, "startupProbe": {"grpc": {"port": 1}}}]}, "startupProbe.grpc"),
}


@pytest.mark.parametrize("case", UNSERVED)
def test_what_no_pod_of_the_lab_asks_for_is_refused_by_name(call: Call, case: str) -> None:
    spec, words = UNSERVED[case]
    with pytest.raises(ApiError, match=f"the stand-in API server does not serve {words}") as refused:
        call("POST", f"{HERE}/pods", _pod(**spec))
    assert refused.value.code == 501


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"policyTypes": ["Egress"]}, "egress"),
        ({"ingress": [{"ports": [{"port": 80}]}]}, "ingress by ports"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}, "ingress from namespaces or ranges"),
        (
            {"ingress": [{"from": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}]},
            "podSelector.matchExpressions",
        ),
    ],
)
def test_a_policy_that_the_agents_would_not_enforce_is_refused(call: Call, spec: dict[str, Any], words: str) -> None:
    policy = _body("NetworkPolicy", "p", "networking.k8s.io/v1", spec={"podSelector": {}, **spec})
    with pytest.raises(ApiError, match=words) as refused:
        call("POST", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", policy)
    assert refused.value.code == 501


@pytest.mark.parametrize(
    "spec", [{"clusterIP": "None"}, {"sessionAffinity": "ClientIP"}, {"loadBalancerIP": "10.0.0.1"}]
)
def test_a_service_that_nobody_would_lead_anywhere_is_refused(call: Call, spec: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="the stand-in API server does not serve") as refused:
        call("POST", f"{HERE}/services", _body("Service", "s", spec={"ports": [{"port": 80}], **spec}))
    assert refused.value.code == 501


W1 = User("system:node:w1", ("system:nodes", "system:authenticated"))
JOINING = User("system:bootstrap:abcdef", ("system:bootstrappers", "system:authenticated"))
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
MAY: list[tuple[User, str, str, bool]] = [
    (ANONYMOUS, "GET", "/livez", True),
    (ANONYMOUS, "GET", "/version", True),
    (ANONYMOUS, "GET", "/api/v1/nodes", False),
    (JOINING, "GET", "/api/v1/namespaces/kube-system/configmaps/kubeadm-config", True),
    (JOINING, "GET", "/api/v1/namespaces/kube-system/configmaps/other", False),
    (JOINING, "GET", "/api/v1/nodes/w1", True),
    (JOINING, "GET", "/api/v1/nodes", False),
    (JOINING, "DELETE", "/api/v1/nodes/w1", False),
    (W1, "GET", "/api/v1/pods", False),
    (W1, "GET", "/api/v1/nodes", False),
    (W1, "GET", "/api/v1/nodes/w2", False),
    (W1, "GET", "/api/v1/nodes/w1", True),
    (W1, "PATCH", "/api/v1/nodes/w1/status", True),
    (W1, "DELETE", "/api/v1/nodes/w1", False),
    (W1, "GET", f"{HERE}/secrets/s", False),
    (W1, "GET", f"{HERE}/secrets/mine", True),
    (W1, "GET", f"{HERE}/configmaps/kube-root-ca.crt", True),
    (W1, "GET", f"{HERE}/persistentvolumeclaims/data", False),
    (W1, "DELETE", f"{HERE}/pods/elsewhere", False),
    (W1, "PATCH", f"{HERE}/pods/elsewhere/status", False),
    (W1, "PATCH", f"{HERE}/pods/here/status", True),
    (W1, "PUT", f"{LEASES}/w1", True),
    (W1, "PUT", f"{LEASES}/w2", False),
    (W1, "DELETE", "/apis/apps/v1/namespaces/default/deployments/d", False),
    (W1, "PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval", False),
]


@pytest.mark.parametrize(("user", "method", "path", "allowed"), MAY)
def test_everybody_may_do_their_own_work_only(call: Call, user: User, method: str, path: str, allowed: bool) -> None:
    for name, node in (("here", "w1"), ("elsewhere", "w2")):
        volumes = [{"name": "v", "secret": {"secretName": "mine" if name == "here" else "s"}}]
        containers = [{"name": "c", "image": "i"}]
        spec = {"nodeName": node, "containers": containers, "volumes": volumes}
        call("POST", f"{HERE}/pods", _body("Pod", name, spec=spec))
    body = b'{"status": {"phase": "Running"}}' if path.endswith("status") else b"{}"
    try:
        call(method, path, body, "application/merge-patch+json", user)
        code = 200
    except ApiError as error:
        code = error.code
    assert (code != 403) is allowed


def _node_asks(call: Call, method: str, node: str, body: dict[str, Any]) -> str:
    content, kind = json.dumps(body).encode(), "application/merge-patch+json"
    with pytest.raises(ApiError) as refused:
        call(method, f"/api/v1/nodes/{node}", content, kind, W1)
    assert refused.value.code == 403
    return refused.value.message


def test_a_kubelet_marks_neither_its_own_node_as_it_likes_nor_another(call: Call) -> None:
    for name in ("w1", "w2"):
        call("POST", "/api/v1/nodes", _body("Node", name))
    role = {"metadata": {"labels": {"node-role.kubernetes.io/worker": "", "mine": "yes"}}}
    words = "is not allowed to modify labels: node-role.kubernetes.io/worker"
    assert words in _node_asks(call, "PATCH", "w1", role)
    assert 'is not allowed to modify node "w2"' in _node_asks(call, "PATCH", "w2", role)
    assert "is not allowed to modify taints" in _node_asks(call, "PATCH", "w1", {"spec": {"taints": []}})
    own = json.dumps({"metadata": {"labels": {"mine": "yes"}}}).encode()
    call("PATCH", "/api/v1/nodes/w1", own, "application/merge-patch+json", W1)


def test_kubectl_is_given_columns_and_everybody_else_objects(call: Call) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    table = call("GET", "/api/v1/services", accept=accept)
    assert [one["name"] for one in table["columnDefinitions"]][:3] == ["Name", "Type", "Cluster-IP"]
    assert table["rows"][0]["cells"][:2] == ["kubernetes", "ClusterIP"]
    assert call("GET", "/api/v1/services")["kind"] == "ServiceList"
    assert call("GET", "/api/v1/namespaces", accept=accept)["kind"] == "NamespaceList"


def test_a_pool_is_taken_as_its_schema_completes_it_and_refused_by_what_it_asks_for() -> None:
    pool = {"kind": "IPAddressPool", "spec": {"autoAssign": True, "avoidBuggyIPs": False}}
    unserved.check(pool)
    with pytest.raises(ApiError, match=r"does not serve autoAssign$"):
        unserved.check({**pool, "spec": {"autoAssign": False}})
