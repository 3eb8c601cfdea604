"""The addon phase: CoreDNS and kube-proxy, as objects of kubeadm's names and shape (addons.yaml beside this file)."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from string import Template
from typing import Any

import yaml

from rehearsal.kubernetes.node.api import Api

from . import defaults
from .config import InitSettings
from .output import phase

Object = dict[str, Any]
TEXT = Path(__file__).with_name("addons.yaml")
PLACES = {
    "ConfigMap": "/api/v1/namespaces/kube-system/configmaps",
    "ServiceAccount": "/api/v1/namespaces/kube-system/serviceaccounts",
    "Service": "/api/v1/namespaces/kube-system/services",
    "Deployment": "/apis/apps/v1/namespaces/kube-system/deployments",
    "DaemonSet": "/apis/apps/v1/namespaces/kube-system/daemonsets",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
}


def objects(settings: InitSettings) -> dict[str, list[Object]]:
    """The objects of each addon."""
    cluster = settings.cluster
    images = {image.rsplit("/", 1)[1].split(":")[0]: image for image in defaults.images(cluster)}
    network = ip_network(cluster["networking"]["serviceSubnet"], strict=False)
    values = {
        "coredns_image": images["coredns"], "proxy_image": images["kube-proxy"], "dns_address": str(network[10]),
        "dns_domain": cluster["networking"]["dnsDomain"], "server": settings.endpoint,
    }  # fmt: skip
    parsed = list(yaml.safe_load_all(Template(TEXT.read_text(encoding="utf-8")).substitute(values)))
    result: dict[str, list[Object]] = {"coredns": [], "kube-proxy": []}
    for body in parsed:
        addon = body["metadata"].pop("annotations")["stand-in/addon"]
        if (body["kind"], body["metadata"]["name"]) == ("ConfigMap", "kube-proxy"):
            body["data"]["config.conf"] = yaml.safe_dump(settings.kube_proxy)
        result[addon].append(body)
    return result


def apply(api: Api, settings: InitSettings) -> None:
    """Create them."""
    titles = {"coredns": "CoreDNS", "kube-proxy": "kube-proxy"}
    for addon, bodies in objects(settings).items():
        for body in bodies:
            api.ensure(PLACES[body["kind"]], body)
        phase("addons", f"Applied essential addon: {titles[addon]}")
