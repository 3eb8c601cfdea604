"""Static Pod manifests of the control plane, in kubeadm's shape.

One addition: the stand-in API server keeps its objects in etcd's folder itself, so it gets that folder too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from rehearsal.kubernetes.node.paths import KUBERNETES, STATIC_PODS, write

from . import defaults, flags
from .config import InitSettings
from .output import phase

Object = dict[str, Any]


@dataclass(frozen=True)
class Probe:
    host: str
    path: str
    port: int
    scheme: str = "HTTPS"

    def every(self, seconds: int, failures: int, delay: int = 0) -> Object:
        get = {"host": self.host, "path": self.path, "port": self.port, "scheme": self.scheme}
        timing = {"failureThreshold": failures, "periodSeconds": seconds, "timeoutSeconds": 15}
        return {"httpGet": get, **timing, **({"initialDelaySeconds": delay} if delay else {})}


@dataclass(frozen=True)
class Component:
    """One manifest: `mounts` are (volume, path, kind, read-only)."""

    name: str
    image: str
    command: list[str]
    live: Probe
    ready: Probe
    mounts: list[tuple[str, str, str, bool]]
    annotations: dict[str, str] = field(default_factory=dict)
    extra_volumes: list[Object] = field(default_factory=list)
    environment: list[Object] = field(default_factory=list)


def components(settings: InitSettings) -> list[Component]:
    """The four, with the images that `config images list` names."""
    cluster = settings.cluster
    pki, data = cluster["certificatesDir"], cluster["etcd"]["local"]["dataDir"]
    images = {image.rsplit("/", 1)[1].split(":")[0]: image for image in defaults.images(cluster)}
    address, port = settings.address, settings.port
    api, local = flags.apiserver(settings), "127.0.0.1"
    api |= {"etcd-data-dir": data, "kubernetes-version": cluster["kubernetesVersion"]}
    folder = "DirectoryOrCreate"
    certificates = ("k8s-certs", pki, folder, True)

    def config(name: str) -> tuple[str, str, str, bool]:
        return ("kubeconfig", f"{KUBERNETES}/{name}.conf", "FileOrCreate", True)

    def made(
        name: str, key: str, arguments: dict[str, str], live: Probe, ready: Probe, mounts: list[Any], notes: Any = None
    ) -> Component:
        part = cluster["etcd"]["local"] if key == "etcd" else cluster[key]
        line = flags.command(name, arguments, part.get("extraArgs"))
        return Component(
            name,
            images[name],
            line,
            live,
            ready,
            mounts,
            notes or {},
            part.get("extraVolumes") or [],
            part.get("extraEnvs") or [],
        )

    manager, schedule = Probe(local, "/healthz", 10257), Probe(local, "/livez", 10259)
    return [
        made(
            "etcd",
            "etcd",
            flags.etcd(settings),
            Probe(local, "/livez", 2381, "HTTP"),
            Probe(local, "/readyz", 2381, "HTTP"),
            [("etcd-data", data, folder, False), ("etcd-certs", f"{pki}/etcd", folder, False)],
            {"kubeadm.kubernetes.io/etcd.advertise-client-urls": f"https://{address}:2379"},
        ),
        made(
            "kube-apiserver",
            "apiServer",
            api,
            Probe(address, "/livez", port),
            Probe(address, "/readyz", port),
            [certificates, ("etcd-data", data, folder, False)],
            {"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": f"{address}:{port}"},
        ),
        made(
            "kube-controller-manager",
            "controllerManager",
            flags.controller_manager(settings),
            manager,
            manager,
            [certificates, config("controller-manager")],
        ),
        made(
            "kube-scheduler",
            "scheduler",
            flags.scheduler(),
            schedule,
            Probe(local, "/readyz", 10259),
            [config("scheduler")],
        ),
    ]


def manifest(component: Component) -> Object:
    """The Pod of one component."""
    mounts = [
        {"name": name, "mountPath": path, **({"readOnly": True} if only else {})}
        for name, path, _, only in component.mounts
    ]
    volumes = [{"name": name, "hostPath": {"path": path, "type": kind}} for name, path, kind, _ in component.mounts]
    for extra in component.extra_volumes:
        mounts.append({"name": extra["name"], "mountPath": extra["mountPath"], "readOnly": bool(extra.get("readOnly"))})
        volumes.append(
            {"name": extra["name"], "hostPath": {"path": extra["hostPath"], "type": extra.get("pathType", "")}}
        )
    container = {
        "name": component.name,
        "image": component.image,
        "imagePullPolicy": "IfNotPresent",
        "command": component.command,
        "livenessProbe": component.live.every(10, 8, 10),
        "readinessProbe": component.ready.every(1, 3),
        "startupProbe": component.live.every(1, 240),
        "resources": {"requests": {"cpu": "100m"}},
        "volumeMounts": mounts,
        **({"env": component.environment} if component.environment else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": component.name,
            "namespace": "kube-system",
            "labels": {"component": component.name, "tier": "control-plane"},
            "annotations": component.annotations,
        },
        "spec": {
            "containers": [container],
            "hostNetwork": True,
            "priority": 2000001000,
            "priorityClassName": "system-node-critical",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": volumes,
        },
    }


def make(settings: InitSettings) -> None:
    """Write the manifests; the kubelet starts what it finds there."""
    for component in components(settings):
        if component.name == "etcd":
            phase("etcd", f'Creating static Pod manifest for local etcd in "{STATIC_PODS}"')
        else:
            phase("control-plane", f'Creating static Pod manifest for "{component.name}"')
        write(f"{STATIC_PODS}/{component.name}.yaml", yaml.safe_dump(manifest(component), sort_keys=True), 0o600)
