"""NFS volumes of csi-driver-nfs: mounts that are really attempted, and the kernel's own words when they are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from .paths import KUBELET, real

Object = dict[str, Any]
DRIVER = "nfs.csi.k8s.io"
TIMEOUT_S = 60


class MountError(Exception):
    """A mount that failed; the text is the driver's, with what mount said."""


def mount(volume: Object, target: Path) -> None:
    """Mount a PersistentVolume of the driver at `target`, once. Raises MountError."""
    csi = volume["spec"].get("csi") or {}
    if csi.get("driver") != DRIVER:
        raise MountError(
            f"kubernetes.io/csi: driver name {csi.get('driver')} not found in the list of registered CSI drivers"
        )
    if not registered():
        raise MountError(
            f"kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {DRIVER} not "
            f"found in the list of registered CSI drivers"
        )
    if is_mounted(target):
        return
    attributes = csi.get("volumeAttributes") or {}
    below = (attributes.get("subdir") or "").strip("/")
    source = f"{attributes['server']}:{attributes['share'].rstrip('/')}" + (f"/{below}" if below else "")
    attempt(source, target, volume["spec"].get("mountOptions") or [])


def attempt(source: str, target: Path, options: list[str]) -> None:
    """`mount -t nfs4 source target`, for real. Raises MountError with the driver's and mount's words."""
    target.mkdir(parents=True, exist_ok=True)
    arguments = ["-t", "nfs4", *(["-o", ",".join(options)] if options else []), source, str(target)]
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        code, output = done.returncode, (done.stderr or done.stdout).strip()
    except subprocess.TimeoutExpired:
        code, output = 32, f"no answer from {source} within {TIMEOUT_S} s"
    if code:
        text = (
            f"exit status {code}\nMounting command: mount\nMounting arguments: {' '.join(arguments)}\nOutput: {output}"
        )
        raise MountError(f"rpc error: code = Internal desc = mount failed: {text}")


def unmount(target: Path) -> None:
    subprocess.run(["umount", str(target)], capture_output=True, check=False)


def is_mounted(target: Path) -> bool:
    return str(target) in mount_points()


def mount_points() -> list[str]:
    return [line.split()[1].replace("\\040", " ") for line in Path("/proc/self/mounts").read_text().splitlines()]


def unmount_below(folder: Path) -> None:
    for point in reversed(mount_points()):
        if point.startswith(f"{folder}/"):
            unmount(Path(point))


def registered() -> bool:
    """Whether the driver's registrar runs on this node: it leaves a socket where the kubelet looks."""
    return real(f"{KUBELET}/plugins_registry/{DRIVER}-reg.sock").is_socket()
