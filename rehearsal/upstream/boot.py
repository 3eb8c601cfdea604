"""The signed boot files: Debian's shim, GRUB and kernel under the names they have on a Rocky DVD.

Rocky's own are on no package registry; Debian's chain is signed by the same Microsoft CA, so Secure Boot really checks
it. The kernel is Debian 12's cloud flavour (6.1): newer ones panic under QEMU 7.2 without KVM.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

# Debian package -> {file in it: place in the install tree}
SIGNED: dict[str, dict[str, str]] = {
    "shim-signed": {"usr/lib/shim/shimx64.efi.signed": "EFI/BOOT/BOOTX64.EFI"},
    "grub-efi-amd64-signed": {"usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed": "EFI/BOOT/grubx64.efi"},
}


def files(cache: Path) -> dict[str, bytes]:
    """The boot files by their path in the tree, from packages fetched once into `cache`."""
    found = {}
    for package, places in SIGNED.items():
        unpacked = unpack(package, cache)
        found.update({place: (unpacked / file).read_bytes() for file, place in places.items()})
    kernel = unpack(kernel_package(cache), cache)
    found["images/pxeboot/vmlinuz"] = next((kernel / "boot").glob("vmlinuz-*")).read_bytes()
    return found


def kernel_package(cache: Path) -> str:
    """The newest signed cloud kernel that the machine's own package sources offer; its name is kept in `cache`."""
    memory = cache / "kernel-package"
    if not memory.exists():
        show = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"], check=True, capture_output=True, text=True
        )
        name = next(line.split()[-1] for line in show.stdout.splitlines() if "Depends: linux-image-" in line)
        cache.mkdir(parents=True, exist_ok=True)
        memory.write_text(name, encoding="utf-8")
    return memory.read_text(encoding="utf-8")


def unpack(package: str, cache: Path) -> Path:
    """Fetch a Debian package by apt, without installing it, and return where it lies unpacked."""
    target = cache / "unpacked" / package
    if not target.exists():
        downloads = cache / "debs"
        downloads.mkdir(parents=True, exist_ok=True)
        # apt drops its privileges for a download and then cannot write into root's own folders
        subprocess.run(
            ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package],
            check=True,
            cwd=downloads,
        )
        archive = next(downloads.glob(f"{package}_*.deb"))
        fresh = target.with_name(package + ".new")
        fresh.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", str(archive), str(fresh)], check=True)
        fresh.rename(target)
    return target
