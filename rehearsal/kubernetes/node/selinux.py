"""What SELinux would deny a container: the machine's places that container_t has no right to. The shared kernel cannot.

With `enable_selinux` containerd runs every container as container_t unless it is privileged or names a type of its own
(containerd 2.3: internal/cri/server/container_create.go). Kubernetes never relabels a hostPath
(pkg/volume/hostpath/host_path.go), so what counts is the label that the machine's policy gives a place. Without
`enable_selinux` containers run as spc_t, which may do everything.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from .paths import real

Object = dict[str, Any]
MODE = "/run/rehearsal/selinux-mode"
CONTAINERD = "/etc/containerd/config.toml"
# Where containerd's configuration has its part for Kubernetes: versions 3 and 4, version 2.
PLUGINS = ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri")
UNCONFINED = "spc_t"


@dataclass(frozen=True)
class Place:
    """A folder of the machine, its label, and whether container_t may at least read it."""

    path: str
    label: str
    readable: bool


# By the policy of CentOS Stream 9 with container-selinux 2.235, compiled and asked with `sesearch -A -s container_t`;
# the same denials were reported of kubeadm itself (kubernetes/kubeadm issues 107, 215, 279, 1654).
PLACES = (
    Place("/etc/kubernetes", "kubernetes_file_t", readable=False),
    Place("/var/lib/etcd", "var_lib_t", readable=False),
    Place("/etc/cni", "etc_t", readable=True),
    Place("/opt/cni", "usr_t", readable=True),
)


def confines() -> bool:
    """Whether containers are confined on this machine: it enforces SELinux, and containerd labels them."""
    mode, configuration = real(MODE), real(CONTAINERD)
    if not (mode.exists() and configuration.exists()) or mode.read_text(encoding="utf-8").strip() != "enforcing":
        return False
    return labels(configuration.read_text(encoding="utf-8"))


def labels(configuration: str) -> bool:
    """Whether containerd labels containers by a configuration's text."""
    plugins: Object = tomllib.loads(configuration).get("plugins", {})
    return any(plugins.get(name, {}).get("enable_selinux", False) for name in PLUGINS)


def denial(pod: Object, container: Object) -> str | None:
    """What a confined container says as it ends, in Go's words; None when it is free or asks for nothing forbidden."""
    security = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    if security.get("privileged") or (security.get("seLinuxOptions") or {}).get("type") == UNCONFINED:
        return None
    folders = {
        volume["name"]: volume["hostPath"]["path"]
        for volume in pod["spec"].get("volumes") or []
        if "hostPath" in volume
    }
    for mount in container.get("volumeMounts") or []:
        path = folders.get(mount["name"])
        if path and _denied(path, read_only=bool(mount.get("readOnly"))):
            return f"open {path}: permission denied"
    return None


def _denied(path: str, *, read_only: bool) -> bool:
    return any(
        (path == place.path or path.startswith(f"{place.path}/")) and not (read_only and place.readable)
        for place in PLACES
    )
