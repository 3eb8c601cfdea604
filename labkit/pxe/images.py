"""The container images that the lab is made of. The bootstrap server keeps these for its machines, and no others.

Their names stand here, and the versions of what kubeadm brings with it and of what verification starts. Kubernetes' own
version stands in invoke.yaml; an add-on's images have their versions in its manifests, which its role pins.
"""

from __future__ import annotations

from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, TemplateError

from labkit.description.lab import Lab
from labkit.errors import LabError
from labkit.project import ANSIBLE

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
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
KUBEADM = tuple(f"registry.k8s.io/{name}" for name in (*KUBERNETES, "coredns/coredns", "pause", "etcd"))
# By the name of the role, or of what the role chooses.
ADD_ONS = {
    "calico": ("quay.io/calico/cni", "quay.io/calico/kube-controllers", "quay.io/calico/node"),
    "flannel": ("ghcr.io/flannel-io/flannel", "ghcr.io/flannel-io/flannel-cni-plugin"),
    "csi": (
        "registry.k8s.io/sig-storage/csi-node-driver-registrar",
        "registry.k8s.io/sig-storage/csi-provisioner",
        "registry.k8s.io/sig-storage/csi-resizer",
        "registry.k8s.io/sig-storage/csi-snapshotter",  # its manifest names it; the role leaves it out
        "registry.k8s.io/sig-storage/livenessprobe",
        "registry.k8s.io/sig-storage/nfsplugin",
    ),
    "load_balancer": ("quay.io/metallb/controller", "quay.io/metallb/speaker"),
}


# What kubeadm pulls besides Kubernetes' own, by its minor release: `kubeadm config images list`.
BESIDE_KUBERNETES = {"1.36": {"coredns/coredns": "v1.14.2", "pause": "3.10.2", "etcd": "3.6.8-0"}}


def add_ons(lab: Lab) -> list[str]:
    """Which of the add-ons this lab has."""
    network = [] if lab.kubernetes.cni == "none" else [str(lab.kubernetes.cni)]
    return [*network, "csi", *(["load_balancer"] if lab.address_pool else [])]


def repositories(lab: Lab) -> list[str]:
    """The names of all images of this lab, such as quay.io/calico/node."""
    own = [image.rpartition(":")[0] for image in (WEB_SERVER, SHELL)]
    return sorted([*KUBEADM, *(name for add_on in add_ons(lab) for name in ADD_ONS[add_on]), *own])


def known(lab: Lab) -> list[str]:
    """The images whose versions are known without a manifest. Of a minor release that is not above, some are not."""
    version = lab.kubernetes.version
    beside = BESIDE_KUBERNETES.get(version.rpartition(".")[0], {})
    tags = dict.fromkeys(KUBERNETES, f"v{version}") | beside
    return [*(f"registry.k8s.io/{name}:{tag}" for name, tag in tags.items()), WEB_SERVER, SHELL]


def manifests(lab: Lab) -> dict[str, str]:
    """The manifests of this lab's add-ons as their roles pin them: paths below sources.manifests_url, and SHA-256.

    Raises LabError where a role was changed so that it cannot be read here.
    """
    cni = lab.kubernetes.cni
    found = {} if cni == "none" else {pinned("cni", "cni_paths")[cni]: pinned("cni", "cni_checksums")[cni]}
    folder = pinned("csi", "csi_folder")
    found |= {f"{folder}/{name}": digest for name, digest in pinned("csi", "csi_checksums").items()}
    if lab.address_pool:
        found[pinned("load_balancer", "load_balancer_manifest")] = pinned("load_balancer", "load_balancer_checksum")
    return found


def pinned(role: str, name: str) -> Any:
    """What a variable of a role is, for this user; LabError when it is none, or is made of what only Ansible knows."""
    given: dict[str, Any] = {}
    folder = ANSIBLE / "roles" / role
    files = (folder / "defaults" / "main.yml", ANSIBLE / "group_vars" / "all.yml", folder / "vars" / "main.yml")
    try:
        for file in files:
            given |= (yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None) or {}
        return _filled(given[name], given)
    except (OSError, yaml.YAMLError, KeyError, TypeError, TemplateError) as error:
        raise LabError(f"{name} cannot be read from ansible/roles/{role}: {error}") from error


def _filled(value: Any, given: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, given) for key, inner in value.items()}
    if isinstance(value, str) and "{{" in value:
        return Environment(undefined=StrictUndefined).from_string(value).render(given)  # noqa: S701 - paths, no HTML
    return value
