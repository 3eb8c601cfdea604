"""What kubeadm fills in where a configuration is silent (reference: `kubeadm config print init-defaults` of 1.36)."""

from __future__ import annotations

import copy
from ipaddress import ip_network
from typing import Any

from rehearsal.kubernetes.node import machine
from rehearsal.kubernetes.node.paths import kubernetes_version

from .kinds import V1BETA4

Object = dict[str, Any]
CRI_SOCKET = "unix:///var/run/containerd/containerd.sock"
TIMEOUTS = {
    "controlPlaneComponentHealthCheck": "4m0s",
    "discovery": "5m0s",
    "etcdAPICall": "2m0s",
    "kubeletHealthCheck": "4m0s",
    "kubernetesAPICall": "1m0s",
    "tlsBootstrap": "5m0s",
    "upgradeManifests": "5m0s",
}
CONTROL_PLANE_TAINT = {"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}
TOKEN_GROUP = "system:bootstrappers:kubeadm:default-node-token"  # noqa: S105  # a group's name
IMAGE_REPOSITORY = "registry.k8s.io"
COREDNS_TAG, PAUSE_TAG, ETCD_TAG = "v1.14.2", "3.10.2", "3.6.8-0"


def merged(defaults: Object, given: Object) -> Object:
    """`given` over `defaults`, mapping by mapping; an explicit null counts as not given."""
    result = copy.deepcopy(defaults)
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        elif value is not None:
            result[key] = copy.deepcopy(value)
    return result


def registration() -> Object:
    return {
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "imagePullSerial": True,
        "name": machine.hostname(),
    }


def init() -> Object:
    return {
        "apiVersion": V1BETA4,
        "kind": "InitConfiguration",
        "nodeRegistration": registration(),
        "timeouts": dict(TIMEOUTS),
        "localAPIEndpoint": {"advertiseAddress": machine.default_address(), "bindPort": 6443},
    }


def cluster() -> Object:
    return {
        "apiVersion": V1BETA4,
        "kind": "ClusterConfiguration",
        "apiServer": {},
        "controllerManager": {},
        "scheduler": {},
        "caCertificateValidityPeriod": "87600h0m0s",
        "certificateValidityPeriod": "8760h0m0s",
        "certificatesDir": "/etc/kubernetes/pki",
        "clusterName": "kubernetes",
        "dns": {},
        "encryptionAlgorithm": "RSA-2048",
        "etcd": {"local": {"dataDir": "/var/lib/etcd"}},
        "imageRepository": IMAGE_REPOSITORY,
        "proxy": {},
        "kubernetesVersion": kubernetes_version(),
        "networking": {"dnsDomain": "cluster.local", "serviceSubnet": "10.96.0.0/12"},
    }


def join() -> Object:
    return {
        "apiVersion": V1BETA4,
        "kind": "JoinConfiguration",
        "caCertPath": "/etc/kubernetes/pki/ca.crt",
        "nodeRegistration": registration(),
        "timeouts": dict(TIMEOUTS),
    }


def bootstrap_token(token: str) -> Object:
    return {"token": token, "ttl": "24h0m0s", "usages": ["signing", "authentication"], "groups": [TOKEN_GROUP]}


def kubelet(of: Object) -> Object:
    """The kubelet's configuration for the cluster `of`, as kubeadm makes it."""
    dns = str(ip_network(of["networking"]["serviceSubnet"], strict=False)[10])
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": of["certificatesDir"] + "/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "systemd",
        "clusterDNS": [dns],
        "clusterDomain": of["networking"]["dnsDomain"],
        "containerRuntimeEndpoint": "",
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "rotateCertificates": True,
        "staticPodPath": "/etc/kubernetes/manifests",
    }


def kube_proxy(of: Object) -> Object:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "0.0.0.0",
        "clientConnection": {"kubeconfig": "/var/lib/kube-proxy/kubeconfig.conf"},
        "clusterCIDR": of["networking"].get("podSubnet", ""),
        "mode": "",
    }


def images(of: Object) -> list[str]:
    """The images that `config images list` names, in its order."""
    repository, version = of["imageRepository"], of["kubernetesVersion"]
    names = [
        f"{repository}/{name}:{version}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    ]
    dns, etcd = of["dns"], of["etcd"].get("local", {})
    names.append(f"{dns.get('imageRepository', repository + '/coredns')}/coredns:{dns.get('imageTag', COREDNS_TAG)}")
    names.append(f"{repository}/pause:{PAUSE_TAG}")
    names.append(f"{etcd.get('imageRepository', repository)}/etcd:{etcd.get('imageTag', ETCD_TAG)}")
    return names
