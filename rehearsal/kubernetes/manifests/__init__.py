"""Manifests of Calico, flannel, csi-driver-nfs and MetalLB as their releases name them, in stand-in form."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
CALICO, FLANNEL, CSI_NFS, METALLB = "v3.32.1", "v0.28.9", "v4.13.4", "v0.16.1"
FILES = {
    f"projectcalico/calico/{CALICO}/manifests/calico.yaml": "calico.yaml",
    f"flannel-io/flannel/{FLANNEL}/Documentation/kube-flannel.yml": "kube-flannel.yml",
    f"metallb/metallb/{METALLB}/config/manifests/metallb-native.yaml": "metallb-native.yaml",
    **{
        f"kubernetes-csi/csi-driver-nfs/{CSI_NFS}/deploy/{CSI_NFS}/{name}.yaml": f"{name}.yaml"
        for name in ("rbac-csi-nfs", "csi-nfs-driverinfo", "csi-nfs-controller", "csi-nfs-node")
    },
}


def tree() -> dict[str, bytes]:
    """Every manifest by its path below raw.githubusercontent.com."""
    return {path: (HERE / name).read_bytes() for path, name in FILES.items()}
