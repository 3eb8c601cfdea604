"""What Ansible is told about this lab, as text: pure functions of its description, held by golden files."""

from __future__ import annotations

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


def inventory(lab: Lab) -> str:
    """inventory.yml: who and where."""
    return render("inventory.yml.j2", lab=lab, groups=groups(lab))


def kubeadm_init(lab: Lab) -> str:
    """kubeadm's configuration (kubeadm.k8s.io/v1beta4) for making the cluster, with all of it on INTERNAL."""
    machine: Machine = lab.control_plane
    addresses = (machine.internal.address, machine.mgmt.address, machine.external.address)
    own = [machine.name, *map(str, addresses)]
    # In quotes: YAML has other plans for `*.lab.example` and `2001:db8::`.
    names = [*own, *(f"'{name}'" for name in dict.fromkeys(lab.kubernetes.certificate_names) if name not in own)]
    return render("kubeadm-init.yaml.j2", lab=lab, machine=machine, names=names)
