"""The container images that the lab is made of. The bootstrap server keeps these for its machines, and no others.

Their names stand here. Their versions stand elsewhere, each in one place: those of an add-on in its own manifest, which
its role pins, Kubernetes' in invoke.yaml.
"""

from __future__ import annotations

from labkit.description.lab import Lab

# The registries whose images the bootstrap server passes on, and the machine that answers for each one's name.
REGISTRIES = {
    "docker.io": "https://registry-1.docker.io",
    "ghcr.io": "https://ghcr.io",
    "quay.io": "https://quay.io",
    "registry.k8s.io": "https://registry.k8s.io",
}
# What verification starts: a web server with curl and getent, and a shell.
WEB_SERVER = "docker.io/library/nginx:1.29"
SHELL = "docker.io/library/busybox:1.37"
KUBEADM = tuple(
    f"registry.k8s.io/{name}"
    for name in (
        "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns/coredns", "pause", "etcd",
    )
)  # fmt: skip
# By the name of the role, or of what the role chooses.
ADD_ONS = {
    "calico": ("quay.io/calico/cni", "quay.io/calico/kube-controllers", "quay.io/calico/node"),
    "flannel": ("ghcr.io/flannel-io/flannel", "ghcr.io/flannel-io/flannel-cni-plugin"),
    "csi": (
        "registry.k8s.io/sig-storage/csi-node-driver-registrar",
        "registry.k8s.io/sig-storage/csi-provisioner",
        "registry.k8s.io/sig-storage/csi-resizer",
        "registry.k8s.io/sig-storage/csi-snapshotter",
        "registry.k8s.io/sig-storage/livenessprobe",
        "registry.k8s.io/sig-storage/nfsplugin",
    ),
    "load_balancer": ("quay.io/metallb/controller", "quay.io/metallb/speaker"),
}


def add_ons(lab: Lab) -> list[str]:
    """Which of the add-ons this lab has."""
    return [str(lab.kubernetes.cni), "csi", *(["load_balancer"] if lab.address_pool else [])]


def repositories(lab: Lab) -> list[str]:
    """The names of all images of this lab, such as quay.io/calico/node."""
    own = [image.rpartition(":")[0] for image in (WEB_SERVER, SHELL)]
    return sorted([*KUBEADM, *(name for add_on in add_ons(lab) for name in ADD_ONS[add_on]), *own])
