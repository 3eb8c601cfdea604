"""The folder that Ansible runs in, on the bootstrap server: the project's `ansible/` plus what a lab renders."""

from __future__ import annotations

import hashlib

from labkit.description import patches
from labkit.description.lab import Lab
from labkit.k8s.rendered import inventory, kubeadm_init
from labkit.project import ANSIBLE
from labkit.session import Session
from labkit.transport.remote import files_of

REMOTE = "/opt/lab/ansible"
IDENTITY = "rendered/tree"  # the file that says which tree it is; stages leave it on the machines as their mark


def rendered(lab: Lab) -> dict[str, str]:
    """The files made for this lab, by name below the folder."""
    own = patches.read(lab.patches) if lab.patches else {}
    kube_proxy = own.pop(patches.KUBE_PROXY, "")
    files = {"inventory.yml": inventory(lab, own), "rendered/kubeadm-init.yaml": kubeadm_init(lab, own, kube_proxy)}
    files |= {f"rendered/patches/{name}": text for name, text in own.items()}
    return {**files, IDENTITY: f"{_identity(files)}\n"}


def identity(lab: Lab) -> str:
    """What tells one tree from another: a hash over every file's name and content."""
    return rendered(lab)[IDENTITY].strip()


def push(s: Session, folder: str = REMOTE) -> bool:
    """Make a folder on the bootstrap server this project's; return whether it was another one."""
    remote, files = s.machines.bootstrap(), rendered(s.lab)
    held = remote.run(f"cat {folder}/{IDENTITY}", check=False).stdout
    if held == files[IDENTITY]:
        return False
    remote.sync(ANSIBLE, folder, extra=files)
    return True


def _identity(files: dict[str, str]) -> str:
    digest = hashlib.sha256()
    content = {name: text.encode() for name, text in files.items()}
    # Plain line ends: a checkout on Windows is the same tree.
    content |= {name: data.replace(b"\r\n", b"\n") for name, data in files_of(ANSIBLE).items()}
    for name in sorted(content):
        digest.update(f"{name}\0{len(content[name])}\0".encode())
        digest.update(content[name])
    return digest.hexdigest()[:16]
