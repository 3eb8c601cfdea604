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
LOCAL, FOLDER = "127.0.0.1", "DirectoryOrCreate"


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
    """One manifest. `key` is its part of ClusterConfiguration; `mounts` are (volume, path, kind, read-only)."""

    name: str
    key: str
    arguments: dict[str, str]
    live: Probe
    ready: Probe
    mounts: list[tuple[str, str, str, bool]]
    annotations: dict[str, str] = field(default_factory=dict)


def etcd(settings: InitSettings) -> Component:
    pki, data = settings.cluster["certificatesDir"], settings.cluster["etcd"]["local"]["dataDir"]
    mounts = [("etcd-data", data, FOLDER, False), ("etcd-certs", f"{pki}/etcd", FOLDER, False)]
    notes = {"kubeadm.kubernetes.io/etcd.advertise-client-urls": f"https://{settings.address}:2379"}
    live, ready = Probe(LOCAL, "/livez", 2381, "HTTP"), Probe(LOCAL, "/readyz", 2381, "HTTP")
    return Component("etcd", "etcd", flags.etcd(settings), live, ready, mounts, notes)


def apiserver(settings: InitSettings) -> Component:
    pki, data = settings.cluster["certificatesDir"], settings.cluster["etcd"]["local"]["dataDir"]
    address, port = settings.address, settings.port
    own = {"etcd-data-dir": data, "kubernetes-version": settings.cluster["kubernetesVersion"]}
    mounts = [("k8s-certs", pki, FOLDER, True), ("etcd-data", data, FOLDER, False)]
    notes = {"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": f"{address}:{port}"}
    live, ready = Probe(address, "/livez", port), Probe(address, "/readyz", port)
    return Component("kube-apiserver", "apiServer", flags.apiserver(settings) | own, live, ready, mounts, notes)


def controller_manager(settings: InitSettings) -> Component:
    probe = Probe(LOCAL, "/healthz", 10257)
    mounts = [("k8s-certs", settings.cluster["certificatesDir"], FOLDER, True), _kubeconfig("controller-manager")]
    arguments = flags.controller_manager(settings)
    return Component("kube-controller-manager", "controllerManager", arguments, probe, probe, mounts)


def scheduler(settings: InitSettings) -> Component:
    live, ready = Probe(LOCAL, "/livez", 10259), Probe(LOCAL, "/readyz", 10259)
    return Component("kube-scheduler", "scheduler", flags.scheduler(), live, ready, [_kubeconfig("scheduler")])


def _kubeconfig(name: str) -> tuple[str, str, str, bool]:
    return ("kubeconfig", f"{KUBERNETES}/{name}.conf", "FileOrCreate", True)


COMPONENTS = (etcd, apiserver, controller_manager, scheduler)


def manifest(settings: InitSettings, component: Component) -> Object:
    """The Pod of one component."""
    metadata = {
        "name": component.name,
        "namespace": "kube-system",
        "labels": {"component": component.name, "tier": "control-plane"},
        "annotations": component.annotations,
    }
    mounts, volumes = _mounts(component, _part(settings, component))
    spec = {
        "containers": [_container(settings, component, mounts)],
        "hostNetwork": True,
        "priority": 2000001000,
        "priorityClassName": "system-node-critical",
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": volumes,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _part(settings: InitSettings, component: Component) -> Object:
    """What the configuration says of this component: extraArgs, extraVolumes, extraEnvs."""
    part: Object = settings.cluster[component.key]
    return part["local"] if component.key == "etcd" else part


def _mounts(component: Component, part: Object) -> tuple[list[Object], list[Object]]:
    mounts = [
        {"name": name, "mountPath": path, **({"readOnly": True} if only else {})}
        for name, path, _, only in component.mounts
    ]
    volumes = [{"name": name, "hostPath": {"path": path, "type": kind}} for name, path, kind, _ in component.mounts]
    for extra in part.get("extraVolumes") or []:
        mounts.append({"name": extra["name"], "mountPath": extra["mountPath"], "readOnly": bool(extra.get("readOnly"))})
        place = {"path": extra["hostPath"], "type": extra.get("pathType", "")}
        volumes.append({"name": extra["name"], "hostPath": place})
    return mounts, volumes


def _container(settings: InitSettings, component: Component, mounts: list[Object]) -> Object:
    images = {image.rsplit("/", 1)[1].split(":")[0]: image for image in defaults.images(settings.cluster)}
    part = _part(settings, component)
    return {
        "name": component.name,
        "image": images[component.name],
        "imagePullPolicy": "IfNotPresent",
        "command": flags.command(component.name, component.arguments, part.get("extraArgs")),
        "livenessProbe": component.live.every(10, 8, 10),
        "readinessProbe": component.ready.every(1, 3),
        "startupProbe": component.live.every(1, 240),
        "resources": {"requests": {"cpu": "100m"}},
        "volumeMounts": mounts,
        **({"env": part["extraEnvs"]} if part.get("extraEnvs") else {}),
    }


def make(settings: InitSettings) -> None:
    """Write the manifests; the kubelet starts what it finds there."""
    for component in (made(settings) for made in COMPONENTS):
        if component.name == "etcd":
            phase("etcd", f'Creating static Pod manifest for local etcd in "{STATIC_PODS}"')
        else:
            phase("control-plane", f'Creating static Pod manifest for "{component.name}"')
        write(
            f"{STATIC_PODS}/{component.name}.yaml", yaml.safe_dump(manifest(settings, component), sort_keys=True), 0o600
        )
