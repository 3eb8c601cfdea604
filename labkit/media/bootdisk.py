"""The boot disk of the bootstrap server: it starts the DVD's installer with the lab's kickstart, and asks nobody.

An ISO 9660 image with the kickstart, a grub.cfg, and as its boot image the very one of the DVD: shim and GRUB of that
release, signed. Those megabytes never travel: the image is told as parts, and the PC copies that one from the DVD.
GRUB takes its configuration from the medium that it was started from, which is this one.
"""

from __future__ import annotations

import base64
import io
from typing import Any

from labkit.description.lab import Lab
from labkit.media.dvd import SECTOR, VIRTUAL_SECTOR, Dvd
from labkit.render import render

LABEL = "OEMDRV"  # Anaconda reads /ks.cfg of a volume called that even when its kernel was told nothing
BOOT_IMAGE = "EFIBOOT.IMG"
# Where GRUB looks: Red Hat's build beside itself, Debian's at the folder that was compiled in.
CONFIGURATIONS = ("EFI/BOOT/grub.cfg", "grub/grub.cfg")

Part = dict[str, Any]
"""Bytes in a row: {"data": base64}, {"zero": count}, or {"from": offset in the DVD, "length": count}."""


def grub(lab: Lab, dvd: Dvd) -> str:
    """The grub.cfg of the boot disk."""
    return render("grub-bootdisk.cfg.j2", lab=lab, label=dvd.label, escaped=_escaped(dvd.label), ours=LABEL)


def parts(files: dict[str, bytes], dvd: Dvd) -> list[Part]:
    """The image with these files (path to content), in parts that follow each other."""
    image, boot_sector = _image(files, dvd.boot_bytes)
    boot_sectors = -(-dvd.boot_bytes // SECTOR)
    before, after = image[: boot_sector * SECTOR], image[(boot_sector + boot_sectors) * SECTOR :]
    padding = boot_sectors * SECTOR - dvd.boot_bytes
    boot: list[Part] = [{"from": dvd.boot_offset, "length": dvd.boot_bytes}]
    return [*_sparse(before), *boot, *([{"zero": padding}] if padding else []), *_sparse(after)]


def _image(files: dict[str, bytes], boot_bytes: int) -> tuple[bytes, int]:
    """An image whose boot image is all zeros, and the sector where that begins."""
    from pycdlib import PyCdlib

    disc = PyCdlib()
    disc.new(vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    for folder in sorted({parent for path in files for parent in _parents(path)}):
        disc.add_directory(_plain(folder), rr_name=folder.rpartition("/")[2], joliet_path=f"/{folder}")
    for path, content in files.items():
        name = path.rpartition("/")[2]
        disc.add_fp(io.BytesIO(content), len(content), f"{_plain(path)};1", rr_name=name, joliet_path=f"/{path}")
    zeros = io.BytesIO(bytes(boot_bytes))
    disc.add_fp(zeros, boot_bytes, f"/{BOOT_IMAGE};1", rr_name=BOOT_IMAGE, joliet_path=f"/{BOOT_IMAGE}")
    count = min(-(-boot_bytes // VIRTUAL_SECTOR), 0xFFFF)
    disc.add_eltorito(f"/{BOOT_IMAGE};1", efi=True, platform_id=0xEF, boot_load_size=count)
    written = io.BytesIO()
    disc.write_fp(written)
    sector = disc.get_record(iso_path=f"/{BOOT_IMAGE};1").extent_location()
    disc.close()
    return written.getvalue(), sector


def _parents(path: str) -> list[str]:
    steps = path.split("/")[:-1]
    return ["/".join(steps[: depth + 1]) for depth in range(len(steps))]


def _plain(path: str) -> str:
    """A path in the few characters of ISO 9660; Rock Ridge and Joliet hold the real one."""
    return f"/{path}".upper()


def _sparse(image: bytes) -> list[Part]:
    """Its sectors, those of zeros counted only."""
    found: list[Part] = []
    blank = bytes(SECTOR)
    start = 0
    while start < len(image):
        is_zero = image[start : start + SECTOR] == blank
        end = start
        while end < len(image) and (image[end : end + SECTOR] == blank) == is_zero:
            end += SECTOR
        length = min(end, len(image)) - start
        data = base64.b64encode(image[start : start + length]).decode("ascii")
        found.append({"zero": length} if is_zero else {"data": data})
        start += length
    return found


def _escaped(label: str) -> str:
    """A label as dracut wants it on a kernel command line."""
    return label.replace(" ", "\\x20")
