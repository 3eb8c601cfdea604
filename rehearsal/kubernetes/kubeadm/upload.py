"""What `init` leaves in the cluster for those who join: ConfigMaps, roles, the mark on its own node, cluster-info."""

from __future__ import annotations

from typing import Any

import yaml

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import Api
from rehearsal.kubernetes.node.paths import real

from . import tokens
from .config import InitSettings
from .defaults import TOKEN_GROUP
from .output import phase

Object = dict[str, Any]
GROUP = "rbac.authorization.k8s.io"
RBAC = f"/apis/{GROUP}/v1"
CONTROL_PLANE_LABELS = {
    "node-role.kubernetes.io/control-plane": "",
    "node.kubernetes.io/exclude-from-external-load-balancers": "",
}
NODES_GROUP = "system:nodes"


def config_map(name: str, data: dict[str, str], namespace: str = "kube-system") -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def configuration(api: Api, settings: InitSettings) -> None:
    """kubeadm-config and kubelet-config, and who may read them."""
    phase(
        "upload-config", 'Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace'
    )
    maps = "/api/v1/namespaces/kube-system/configmaps"
    api.ensure(maps, config_map("kubeadm-config", {"ClusterConfiguration": yaml.safe_dump(settings.cluster)}))
    phase(
        "kubelet",
        'Creating a ConfigMap "kubelet-config" in namespace kube-system with the configuration for the kubelets in '
        "the cluster",
    )
    api.ensure(maps, config_map("kubelet-config", {"kubelet": yaml.safe_dump(settings.kubelet)}))
    _readers(api, "kubeadm:nodes-kubeadm-config", "kubeadm-config", [TOKEN_GROUP, NODES_GROUP])
    _readers(api, "kubeadm:kubelet-config", "kubelet-config", [TOKEN_GROUP, NODES_GROUP])


def mark_control_plane(api: Api, settings: InitSettings) -> None:
    """Label and taint the node of the control plane."""
    name, taints = settings.node_name, settings.init["nodeRegistration"]["taints"]
    labels = " ".join(key for key in CONTROL_PLANE_LABELS)
    phase("mark-control-plane", f"Marking the node {name} as control-plane by adding the labels: [{labels}]")
    if taints:
        listed = " ".join(f"{taint['key']}:{taint['effect']}" for taint in taints)
        phase("mark-control-plane", f"Marking the node {name} as control-plane by adding the taints [{listed}]")
    node = api.get(f"/api/v1/nodes/{name}")
    kept = [
        t
        for t in node["spec"].get("taints") or []
        if (t["key"], t["effect"]) not in {(n["key"], n["effect"]) for n in taints}
    ]
    api.merge(
        f"/api/v1/nodes/{name}", {"metadata": {"labels": CONTROL_PLANE_LABELS}, "spec": {"taints": kept + taints}}
    )


def bootstrap_tokens(api: Api, settings: InitSettings) -> None:
    """The tokens, what may be done with them, and cluster-info signed by them."""
    phase("bootstrap-token", "Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles")
    for token in settings.init["bootstrapTokens"]:
        tokens.store(api, token)
    phase("bootstrap-token", "Configured RBAC rules to allow Node Bootstrap tokens to get nodes")
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
    _cluster_role(api, "kubeadm:get-nodes", rules)
    _cluster_binding(api, "kubeadm:get-nodes", "kubeadm:get-nodes", TOKEN_GROUP)
    phase(
        "bootstrap-token",
        "Configured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term "
        "certificate credentials",
    )
    _cluster_binding(api, "kubeadm:kubelet-bootstrap", "system:node-bootstrapper", TOKEN_GROUP)
    phase(
        "bootstrap-token",
        "Configured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap "
        "Token",
    )
    approve = "system:certificates.k8s.io:certificatesigningrequests"
    _cluster_binding(api, "kubeadm:node-autoapprove-bootstrap", f"{approve}:nodeclient", TOKEN_GROUP)
    phase(
        "bootstrap-token",
        "Configured RBAC rules to allow certificate rotation for all node client certificates in the cluster",
    )
    _cluster_binding(api, "kubeadm:node-autoapprove-certificate-rotation", f"{approve}:selfnodeclient", NODES_GROUP)
    cluster_info(api, settings)


def cluster_info(api: Api, settings: InitSettings) -> None:
    """Where the API is and its CA, for anybody to read, signed with each token."""
    phase("bootstrap-token", 'Creating the "cluster-info" ConfigMap in the "kube-public" namespace')
    ca = real(f"{settings.cluster['certificatesDir']}/ca.crt").read_bytes()
    text = yaml.safe_dump(kubeconfig.document(settings.endpoint, ca, None))
    maps = "/api/v1/namespaces/kube-public"
    api.ensure(f"{maps}/configmaps", config_map("cluster-info", {"kubeconfig": text}, "kube-public"))
    name = "kubeadm:bootstrap-signer-clusterinfo"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["cluster-info"]}]
    _role(api, name, rules, [{"kind": "User", "name": "system:anonymous", "apiGroup": GROUP}], "kube-public")
    for token in settings.init["bootstrapTokens"]:
        if "signing" in (token.get("usages") or ["signing"]):
            tokens.sign_cluster_info(api, token["token"])


def _readers(api: Api, name: str, config: str, groups: list[str]) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": [config]}]
    _role(api, name, rules, [{"kind": "Group", "name": group, "apiGroup": GROUP} for group in groups], "kube-system")


def _role(api: Api, name: str, rules: list[Object], subjects: list[Object], namespace: str) -> None:
    metadata = {"name": name, "namespace": namespace}
    api.ensure(
        f"{RBAC}/namespaces/{namespace}/roles",
        {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
    )
    reference = {"apiGroup": GROUP, "kind": "Role", "name": name}
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": reference,
        "subjects": subjects,
    }
    api.ensure(f"{RBAC}/namespaces/{namespace}/rolebindings", binding)


def _cluster_role(api: Api, name: str, rules: list[Object]) -> None:
    body = {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    api.ensure(f"{RBAC}/clusterroles", body)


def _cluster_binding(api: Api, name: str, role: str, group: str) -> None:
    body = {
        "apiVersion": f"{GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "name": group, "apiGroup": GROUP}],
    }  # fmt: skip
    api.ensure(f"{RBAC}/clusterrolebindings", body)
