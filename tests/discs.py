"""Small DVD images for tests, with the structure of a release's own."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from pycdlib import PyCdlib

from labkit.description.lab import Lab
from labkit.media.dvd import SECTOR
from rehearsal.hosts.state import HostState
from rehearsal.upstream.dvd import REAL_BYTES, declare

BOOT_IMAGE = b"shim and GRUB of the release" * 200


def dvd(
    file: Path, label: str = "Rocky-9-7-x86_64-dvd", boot_image: bytes | None = BOOT_IMAGE, declared: int = REAL_BYTES
) -> Path:
    """Write a DVD of that label, which says it had `declared` bytes; without a boot image no firmware starts it."""
    disc = PyCdlib()
    disc.new(vol_ident=label, rock_ridge="1.09")
    disc.add_fp(io.BytesIO(b"[release]\nversion = 9.7\n"), 24, "/TREEINFO.;1", rr_name=".treeinfo")
    if boot_image is not None:
        disc.add_fp(io.BytesIO(boot_image), len(boot_image), "/EFIBOOT.IMG;1", rr_name="efiboot.img")
        count = -(-len(boot_image) // 512)
        disc.add_eltorito("/EFIBOOT.IMG;1", efi=True, platform_id=0xEF, boot_load_size=count)
    disc.write(str(file))
    disc.close()
    declare(file, declared)
    return file


def looked_at(image: Path) -> tuple[bytes, bytes]:
    """What Get-LabMedia.ps1 gives of an image: its descriptors and its boot catalog."""
    content = image.read_bytes()
    descriptors = content[16 * SECTOR : 20 * SECTOR]
    records = [n for n in range(4) if b"EL TORITO SPECIFICATION" in descriptors[n * SECTOR : (n + 1) * SECTOR]]
    if not records:
        return descriptors, b""
    (sector,) = struct.unpack_from("<I", descriptors, records[0] * SECTOR + 71)
    return descriptors, content[sector * SECTOR : (sector + 1) * SECTOR]


def put(pc: HostState, lab: Lab) -> None:
    """Put a DVD where the lab says that its image lies."""
    dvd(pc.local(lab.iso_path))
