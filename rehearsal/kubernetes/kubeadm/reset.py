"""`kubeadm reset`: what the real one removes, and no more; it says itself what it leaves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rehearsal.kubernetes.node import runtime
from rehearsal.kubernetes.node.paths import KUBELET, KUBERNETES, STATIC_PODS, real

from . import kubelet
from .output import phase, say, warn

FILES = (
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
)
LEFT = """
The reset process does not perform cleanup of CNI plugin configuration,
network filtering rules and kubeconfig files.

For information on how to perform this cleanup manually, please see:
    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/
"""
WARNING = "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted."


def run(unmount_flags: Sequence[str]) -> None:
    """Take this machine out of its cluster."""
    warn(WARNING)
    say("[preflight] Running pre-flight checks")
    if real(f"{STATIC_PODS}/etcd.yaml").exists():
        phase("reset", "Deleted contents of the etcd data directory: /var/lib/etcd")
    phase("reset", "Stopping the kubelet service")
    kubelet.stop()
    _remove_pods(Path(real(KUBELET)), unmount_flags)
    was_control_plane = real(f"{STATIC_PODS}/etcd.yaml").exists()
    folders = [STATIC_PODS, KUBELET, f"{KUBERNETES}/pki", *(["/var/lib/etcd"] if was_control_plane else [])]
    phase("reset", f"Deleting contents of directories: [{' '.join(folders[:3])}]")
    for folder in folders:
        _empty(folder)
    phase("reset", f"Deleting files: [{' '.join(f'{KUBERNETES}/{name}' for name in FILES)}]")
    for name in FILES:
        real(f"{KUBERNETES}/{name}").unlink(missing_ok=True)
    say(LEFT)


def _remove_pods(kubelet_folder: Path, unmount_flags: Sequence[str]) -> None:
    """Every pod of this machine, as the real one asks the container runtime for; then what they left mounted."""
    runtime.remove_everything()
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    below = [point for point in mounts if point.startswith(f"{kubelet_folder}/")]
    if below:
        phase("reset", f'Unmounting mounted directories in "{KUBELET}"')
    options = ["--lazy"] if "MNT_DETACH" in unmount_flags else []
    for point in reversed(below):
        subprocess.run(["umount", *options, point], check=False, capture_output=True)


def _empty(folder: str) -> None:
    path = real(folder)
    for entry in path.iterdir() if path.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
