"""What stands in for what in this room: the stand-ins name themselves, on every machine and in the room's own list."""

from __future__ import annotations

import json
import time
from pathlib import Path

MACHINE_NOTES = (
    "etc/lab/notes.d"  # one file a note, one sentence each: whoever reads a machine's notes finds them there
)

# Notes that every installed machine carries, by name.
MACHINES: dict[str, str] = {
    "machine": "This machine is a systemd-nspawn container that presents itself as Rocky Linux; "
    "its programs are Debian's.",
    "kernel": "This machine shares its host's kernel: swap, modules and sysctls outside net.* are stand-ins "
    "with a state of its own, and its clock cannot be set.",
    "selinux": "SELinux is a stand-in: mode, labels, booleans and ports are recorded; of its rules only those are "
    "enforced that keep confined containers from /etc/kubernetes, /var/lib/etcd, /etc/cni and /opt/cni.",
    "installer": "This machine was installed by a stand-in for Anaconda, from the kickstart that it fetched.",
}
# Notes of the room itself.
ROOM: dict[str, str] = {
    "hyperv": "The Hyper-V hosts are stand-ins that answer WinRM on one Linux machine.",
    "firmware": "A VM's firmware is QEMU with OVMF; shim, GRUB and kernel are Debian's, signed for Secure Boot.",
    "upstream": "Package sources, manifests and wheels are served inside the room; nothing outside is contacted.",
}
NAT = "Windows' NAT is this machine's kernel's; the controller is on the room's LAN, with a way through that PC."


def write_into(root: Path, notes: dict[str, str]) -> None:
    """Write notes into a machine's root."""
    folder = root / MACHINE_NOTES
    folder.mkdir(parents=True, exist_ok=True)
    for name, sentence in notes.items():
        (folder / name).write_text(sentence + "\n", encoding="utf-8")


def append(file: Path, source: str, sentence: str) -> None:
    """Add a line to the room's list."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"time": time.time(), "source": source, "text": sentence}) + "\n")
