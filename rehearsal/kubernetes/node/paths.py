"""Where things lie on a machine. Tests put a folder of their own in front of every path with LAB_STANDIN_ROOT."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_VARIABLE = "LAB_STANDIN_ROOT"

KUBERNETES = "/etc/kubernetes"
STATIC_PODS = "/etc/kubernetes/manifests"
KUBELET = "/var/lib/kubelet"
KUBELET_PKI = "/var/lib/kubelet/pki"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBELET_FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_KUBECONFIG = "/etc/kubernetes/kubelet.conf"
BOOTSTRAP_KUBECONFIG = "/etc/kubernetes/bootstrap-kubelet.conf"
CNI_CONFIGURATION = "/etc/cni/net.d"
CNI_LEASES = "/var/lib/cni/networks"
CNI_PROGRAMS = "/opt/cni/bin"
CRI_SOCKET = "/run/containerd/containerd.sock"
STATE = "/run/rehearsal/pods"
LOGS = "/var/log/pods"
PROGRAMS = "/usr/lib/rehearsal"
IMAGES = "/usr/lib/rehearsal/images"
VERSION_VARIABLE = "LAB_STANDIN_VERSION"


def real(path: str | Path) -> Path:
    """`path`, which is absolute as a machine sees it, below the folder that a test put in front of it (else itself)."""
    root = os.environ.get(ROOT_VARIABLE, "").rstrip("/")
    text = str(path)
    if not root or text.startswith(root + "/"):
        return Path(text)
    return Path(root + text)


def kubernetes_version() -> str:
    """The version of the package that this program came in, such as v1.36.4; its start script knows it."""
    return "v" + os.environ.get(VERSION_VARIABLE, "1.36.4")


def write(path: str | Path, content: str | bytes, mode: int = 0o600) -> Path:
    """Replace a file at once, so that nobody ever reads half of it; missing folders are made."""
    file = real(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    draft.chmod(mode)
    draft.replace(file)
    return file
