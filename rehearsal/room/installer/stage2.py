"""Whether Anaconda's second stage finds room: over a network its image is copied into the root of the initramfs.

The first stage fetches images/install.img to /tmp (anaconda's dracut/anaconda-lib.sh, dracut's url-lib.sh), and that
root is a tmpfs, which holds half of the memory, or with `rootfstype=ramfs` a ramfs, which has no limit (the kernel's
Documentation/filesystems/ramfs-rootfs-initramfs.rst and tmpfs.rst). From a medium the image is mounted in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rehearsal.room.installer.errors import InstallError

MIB = 1 << 20
RESERVED_MIB = 140  # what the kernel and the firmware take of a VM's memory
FETCHED = ("http://", "https://", "ftp://")


@dataclass(frozen=True)
class Sizes:
    """A release's second stage and its initrd, packed and unpacked, in MiB."""

    install_img: int
    initrd: int
    unpacked: int


# The boot ISOs of 9.8 (1,480,048,640 bytes) and 10.2 (1,049,538,560), by their CHECKSUM files, hold these two and a
# kernel with its loader. How the two share it is an estimate (the initrd: 115-150), as is the unpacked size (190-240).
SIZES = {9: Sizes(1243, 130, 200), 10: Sizes(833, 130, 200)}


def require_room(command_line: Sequence[str], memory_bytes: int, tree: str, release: int) -> None:
    """Raise InstallError when the image of `release` does not fit; `tree` is where the packages come from.

    The machine's screen then shows curl's error and dracut's emergency shell; no %pre and no %onerror runs.
    """
    if not _source(command_line, tree).startswith(FETCHED):
        return
    sizes = SIZES[release]
    free = memory_bytes // MIB - RESERVED_MIB - sizes.initrd
    limit = free if "rootfstype=ramfs" in command_line else free // 2
    needed = sizes.install_img + sizes.unpacked
    if needed > limit:
        raise InstallError(
            f"curl: (23) Failure writing output to destination: install.img and the initrd are {needed} MiB, "
            f"of a memory of {memory_bytes // MIB} MiB the initramfs holds {limit}"
        )


def _source(command_line: Sequence[str], tree: str) -> str:
    """Where the second stage comes from: inst.stage2, else the tree."""
    named = [word.partition("=")[2] for word in command_line if word.startswith("inst.stage2=")]
    return named[-1] if named else tree
