"""What Ansible is told about this lab, as text: pure functions of its description, held by golden files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

import yaml

from labkit.description import patches
from labkit.description.lab import Lab, Machine
from labkit.render import render


def groups(lab: Lab) -> dict[str, list[str]]:
    """The inventory's groups: machine names by role. A machine with several roles is in the group of each."""
    return {
        "bootstrap_server": [lab.bootstrap.name],
        "control_plane": [lab.control_plane.name],
        "workers": [machine.name for machine in lab.workers],
        "storage": [lab.storage.name] if lab.storage else [],
    }


def inventory(lab: Lab, own: Mapping[str, str] | None = None) -> str:
    """inventory.yml: who and where; `own` are the user's patches for kubeadm."""
    digests = {name: sha256(text.encode()).hexdigest() for name, text in (own or {}).items()}
    registries = {
        name: {"url": registry.url or f"https://{name}", "skip_verify": registry.skip_verify}
        for name, registry in lab.sources.registries.items()
    }
    return render("inventory.yml.j2", lab=lab, groups=groups(lab), patches=digests, registries=registries)


def kubeadm_init(lab: Lab, own: Collection[str] = (), kube_proxy: str = "") -> str:
    """kubeadm's configuration (kubeadm.k8s.io/v1beta4) for making the cluster, with all of it on INTERNAL.

    `own` are the names of the user's patches; `kube_proxy` is what the user sets of kube-proxy, which kubeadm does not
    patch.
    """
    machine: Machine = lab.control_plane
    addresses = (machine.internal.address, machine.mgmt.address, machine.external.address)
    always = [machine.name, *map(str, addresses)]
    # In quotes: YAML has other plans for `*.lab.example` and `2001:db8::`.
    names = [*always, *(f"'{name}'" for name in dict.fromkeys(lab.kubernetes.certificate_names) if name not in always)]
    text = render("kubeadm-init.yaml.j2", lab=lab, machine=machine, names=names, patches=own)
    if not kube_proxy:
        return text
    others, _, proxy = text.rpartition("---\n")
    whole = patches.merged(yaml.safe_load(proxy), yaml.safe_load(kube_proxy))
    return f"{others}---\n{yaml.safe_dump(whole, sort_keys=False)}"
