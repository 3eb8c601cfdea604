"""Command lines of the control plane's programs: kubeadm's own arguments, with extraArgs over them."""

from __future__ import annotations

from typing import Any

from rehearsal.kubernetes.node.paths import KUBERNETES

from .config import InitSettings

Object = dict[str, Any]


def command(program: str, arguments: dict[str, str], extra: list[Object] | None) -> list[str]:
    """`program --name=value ...`, sorted; an extra argument replaces kubeadm's of that name, and may stand twice."""
    given = [(entry["name"], entry.get("value", "")) for entry in extra or []]
    names = {name for name, _ in given}
    kept = [(name, value) for name, value in arguments.items() if name not in names]
    return [program, *(f"--{name}={value}" for name, value in sorted(kept + given, key=lambda pair: pair[0]))]


def apiserver(settings: InitSettings) -> dict[str, str]:
    pki, port = settings.cluster["certificatesDir"], str(settings.port)
    return {
        "advertise-address": settings.address,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "client-ca-file": f"{pki}/ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        "etcd-cafile": f"{pki}/etcd/ca.crt",
        "etcd-certfile": f"{pki}/apiserver-etcd-client.crt",
        "etcd-keyfile": f"{pki}/apiserver-etcd-client.key",
        "etcd-servers": "https://127.0.0.1:2379",
        "kubelet-client-certificate": f"{pki}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{pki}/apiserver-kubelet-client.key",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": f"{pki}/front-proxy-client.crt",
        "proxy-client-key-file": f"{pki}/front-proxy-client.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": f"{pki}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": port,
        "service-account-issuer": f"https://kubernetes.default.svc.{settings.cluster['networking']['dnsDomain']}",
        "service-account-key-file": f"{pki}/sa.pub",
        "service-account-signing-key-file": f"{pki}/sa.key",
        "service-cluster-ip-range": settings.cluster["networking"]["serviceSubnet"],
        "tls-cert-file": f"{pki}/apiserver.crt",
        "tls-private-key-file": f"{pki}/apiserver.key",
    }


def controller_manager(settings: InitSettings) -> dict[str, str]:
    pki, config = settings.cluster["certificatesDir"], f"{KUBERNETES}/controller-manager.conf"
    arguments = {
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": "127.0.0.1",
        "client-ca-file": f"{pki}/ca.crt",
        "cluster-name": settings.cluster["clusterName"],
        "cluster-signing-cert-file": f"{pki}/ca.crt",
        "cluster-signing-key-file": f"{pki}/ca.key",
        "controllers": "*,bootstrapsigner,tokencleaner",
        "kubeconfig": config,
        "leader-elect": "true",
        "requestheader-client-ca-file": f"{pki}/front-proxy-ca.crt",
        "root-ca-file": f"{pki}/ca.crt",
        "service-account-private-key-file": f"{pki}/sa.key",
        "use-service-account-credentials": "true",
    }
    pods = settings.cluster["networking"].get("podSubnet")
    if pods:
        service = settings.cluster["networking"]["serviceSubnet"]
        arguments |= {"allocate-node-cidrs": "true", "cluster-cidr": pods, "service-cluster-ip-range": service}
    return arguments


def scheduler() -> dict[str, str]:
    config = f"{KUBERNETES}/scheduler.conf"
    return {
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": "127.0.0.1",
        "kubeconfig": config,
        "leader-elect": "true",
    }


def etcd(settings: InitSettings) -> dict[str, str]:
    pki, address = settings.cluster["certificatesDir"], settings.address
    return {
        "advertise-client-urls": f"https://{address}:2379",
        "cert-file": f"{pki}/etcd/server.crt",
        "client-cert-auth": "true",
        "data-dir": settings.cluster["etcd"]["local"]["dataDir"],
        "initial-advertise-peer-urls": f"https://{address}:2380",
        "initial-cluster": f"{settings.node_name}=https://{address}:2380",
        "key-file": f"{pki}/etcd/server.key",
        "listen-client-urls": f"https://127.0.0.1:2379,https://{address}:2379",
        "listen-metrics-urls": "http://127.0.0.1:2381",
        "listen-peer-urls": f"https://{address}:2380",
        "name": settings.node_name,
        "peer-cert-file": f"{pki}/etcd/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": f"{pki}/etcd/peer.key",
        "peer-trusted-ca-file": f"{pki}/etcd/ca.crt",
        "snapshot-count": "10000",
        "trusted-ca-file": f"{pki}/etcd/ca.crt",
    }
