"""kubectl as the cluster's administrator, run on the control plane over SSH: whatever the room's LAN lets through."""

from __future__ import annotations

import shlex

from labkit.session import Session

ADMIN = "/etc/kubernetes/admin.conf"  # on the control plane, by kubeadm
TIMEOUT_S = 60.0


def has_cluster(s: Session) -> bool:
    """Whether a cluster was made on the control plane; UnreachableError when that does not answer."""
    return s.machines.to(s.lab.control_plane).sudo(f"test -e {ADMIN}", check=False).code == 0


def run(s: Session, *arguments: str, stdin: str | None = None, timeout_s: float = TIMEOUT_S) -> str:
    """What `kubectl ARGUMENTS` prints; LabError with its own words when it fails."""
    command = shlex.join(["kubectl", "--kubeconfig", ADMIN, *arguments])
    remote = s.machines.to(s.lab.control_plane)
    return remote.sudo(command, input=stdin.encode() if stdin else None, timeout_s=timeout_s).stdout
