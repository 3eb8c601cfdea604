"""The Debian tree that the machines' base image is made from: debootstrap, once, from the machine's own mirror."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from rehearsal.room import system
from rehearsal.room.command import run_telling

SUITE = "bookworm"

# What the machines' programs come from; the stand-in RPMs reveal them under Rocky's names.
PACKAGES = (
    "ca-certificates", "chrony", "conntrack", "containerd", "containernetworking-plugins", "curl", "dbus", "dnf",
    "dnf-plugins-core", "dnsmasq-base", "e2fsprogs", "ethtool", "firewalld", "gawk", "hostname", "iproute2",
    "iptables", "iputils-ping", "jq", "kmod", "less", "libnss-myhostname", "libpam-systemd", "login",
    "network-manager", "nfs-common", "nfs-kernel-server", "nftables", "nginx-light", "openssh-server", "openssl",
    "passwd", "procps", "psmisc", "python3", "python3-cffi-backend", "python3-cryptography", "python3-dnf",
    "python3-firewall", "python3-libdnf", "python3-pip", "python3-rpm", "python3-venv", "python3-yaml", "rpm",
    "rsync", "runc", "socat", "sudo", "systemd", "systemd-sysv", "tar", "tzdata", "util-linux", "wget", "xfsprogs",
    "xz-utils",
)  # fmt: skip

# Never read by a machine, and half of the tree's files.
DEAD_WEIGHT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
)


def tree(cache: Path, say: Callable[[str], None]) -> Path:
    """Return the unpacked Debian tree in `cache`, made by debootstrap (about 90 s) when it is not there yet."""
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES, *DEAD_WEIGHT)).encode()).hexdigest()[:12]
    target = cache / f"debian-{key}"
    if target.exists():
        return target
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    packages = cache / "debian-packages"
    packages.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", f"--cache-dir={packages}", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    run_telling([*command, SUITE, partial, system.mirror()], say)
    for folder in DEAD_WEIGHT:
        shutil.rmtree(partial / folder, ignore_errors=True)
    partial.rename(target)
    return target
