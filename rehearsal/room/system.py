"""The Debian packages that the room needs on this machine, and this machine's own mirror."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rehearsal.room.command import run, run_telling
from rehearsal.room.errors import RoomError

# Everything that `up` installs, with what it is for.
PACKAGES: dict[str, str] = {
    "busybox-static": "the network-booted stand-in installer",
    "createrepo-c": "package repositories",
    "debootstrap": "the machines' base image",
    "dosfstools": "the boot image of the release's DVD",
    "grub-efi-amd64-signed": "GRUB signed for Secure Boot",
    "iproute2": "network namespaces and bridges",
    "mtools": "the files in that image",
    "nftables": "the NAT of a PC",
    "openssh-client": "os.ssh, and entering machines by hand",
    "ovmf": "UEFI firmware with the Microsoft keys",
    "qemu-system-x86": "the machine that the firmware boots",
    "rpm": "building the stand-in packages",
    "shim-signed": "shim signed by Microsoft",
    "systemd-container": "systemd-nspawn, which runs installed machines",
}


def require_debian() -> None:
    """Refuse what the room was not made for, in one sentence."""
    if not hasattr(os, "geteuid") or not Path("/proc/self/ns/net").exists():
        raise RoomError("a rehearsal needs Linux: this system has no network namespaces")
    if os.geteuid() != 0:
        raise RoomError("a rehearsal needs root: it makes network namespaces and containers")
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    if "ID=debian" not in release or "VERSION_CODENAME=bookworm" not in release:
        raise RoomError(
            "a rehearsal needs Debian 12 (bookworm): its base image, kernel and signed loaders come from there"
        )


def missing() -> list[str]:
    """The packages of PACKAGES that are not installed."""
    state = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n"])
    installed = {line.split()[0] for line in state.splitlines() if line.endswith(" installed")}
    return sorted(set(PACKAGES) - installed)


def install(packages: list[str], say: Callable[[str], None]) -> None:
    """Install packages from the machine's own apt sources, without questions and without starting their services."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run_telling(["apt-get", "update", "-q"], say, env=env)
    run_telling(["apt-get", "install", "-qy", "--no-install-recommends", *packages], say, env=env)


def mirror() -> str:
    """The Debian mirror of this machine's own apt sources."""
    rows = run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(LABEL) $(CODENAME) $(COMPONENT)", "Created-By: Packages"]
    )
    for row in rows.splitlines():
        site, *rest = row.split()
        if rest == ["Debian", "bookworm", "main"]:
            return site
    raise RoomError(
        "apt knows no source of Debian bookworm main on this machine: run `apt-get update`, see /etc/apt/sources.list"
    )
