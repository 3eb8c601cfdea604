"""The initrd of the stand-in installer: busybox, the kernel's modules for a virtio adapter and a DVD drive, a script.

It stands at Rocky's place in the install tree (images/pxeboot/initrd.img) and does what Anaconda's first stage does:
network up where it is needed, kickstart fetched. About 3 MB.
"""

from __future__ import annotations

import gzip
import re
import stat
from pathlib import Path

from rehearsal.room.base import STANDINS
from rehearsal.upstream import boot

BUSYBOX = Path("/usr/bin/busybox")
# What a guest of `firmware` needs beyond what the cloud kernel has built in: its adapters and its DVD drives.
MODULES = ("virtio_pci", "virtio_net", "af_packet", "virtio_scsi", "sr_mod", "isofs")
FOLDERS = ("bin", "dev", "medium", "modules", "proc", "sys")


def build(cache: Path) -> bytes:
    """Return the initrd for the kernel that the install tree serves; packages are fetched into `cache`."""
    modules = modules_of(boot.unpack(boot.kernel_package(cache), cache), MODULES)
    files = {
        "init": (STANDINS / "installer-init").read_bytes(),
        "lease": (STANDINS / "installer-lease").read_bytes(),
        "bin/busybox": BUSYBOX.read_bytes(),
        "modules/order": "\n".join(modules).encode() + b"\n",
        **{f"modules/{name}": content for name, content in modules.items()},
    }
    return gzip.compress(archive(FOLDERS, files), compresslevel=6, mtime=0)


def modules_of(unpacked: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """The wanted modules of an unpacked kernel package and all they depend on, in the order to load them."""
    available = {path.name.removesuffix(".ko"): path for path in (unpacked / "lib/modules").rglob("*.ko")}
    ordered: dict[str, bytes] = {}

    def take(name: str) -> None:
        path = available.get(name)
        if path is None or path.name in ordered:  # not there: it is built in
            return
        content = path.read_bytes()
        for dependency in dependencies(content):
            take(dependency)
        ordered[path.name] = content

    for name in wanted:
        take(name)
    return ordered


def dependencies(module: bytes) -> list[str]:
    """The modules that a kernel module names in its .modinfo section (`depends=a,b`)."""
    match = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in match[1].decode().split(",") if name] if match else []


def archive(folders: tuple[str, ...], files: dict[str, bytes]) -> bytes:
    """A cpio archive in the kernel's `newc` format (Documentation/driver-api/early-userspace/buffer-format)."""
    entries = [_entry(name, b"", stat.S_IFDIR | 0o755) for name in folders]
    entries += [_entry(name, content, stat.S_IFREG | 0o755) for name, content in files.items()]
    return b"".join([*entries, _entry("TRAILER!!!", b"", 0)])


def _entry(name: str, content: bytes, mode: int) -> bytes:
    encoded = name.encode() + b"\0"
    # after the magic 13 numbers: inode, mode, uid, gid, links, time, size, 4 of devices, name's length, check
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + "".join(f"{number:08X}" for number in numbers).encode()
    return _padded(header + encoded) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
