"""kubectl as the cluster's administrator, run on the control plane over SSH: whatever the room's LAN lets through."""

from __future__ import annotations

import shlex

from labkit.session import Session

TIMEOUT_S = 60.0


def run(s: Session, *arguments: str, stdin: str | None = None, timeout_s: float = TIMEOUT_S) -> str:
    """What `kubectl ARGUMENTS` prints; LabError with its own words when it fails."""
    command = shlex.join(["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", *arguments])
    remote = s.machines.to(s.lab.control_plane)
    return remote.sudo(command, input=stdin.encode() if stdin else None, timeout_s=timeout_s).stdout
