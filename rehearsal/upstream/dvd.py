"""The DVD of the stand-in release: its install tree as an ISO image that UEFI firmware starts, made with pycdlib.

The boot image is FAT, as on Rocky's own: shim and GRUB, both signed.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from pycdlib import PyCdlib

BOOT_IMAGE = "images/efiboot.img"
BOOT_BYTES = 12 << 20
# What the real one declares in its volume descriptor (Rocky-9.8-x86_64-dvd.iso); ours says the same and is smaller.
REAL_BYTES = 15_194_259_456
LOADERS = ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi")


def label(release: int) -> str:
    """As Rocky's own are called; the stand-in has no minor release but 0."""
    return f"Rocky-{release}-0-x86_64-dvd"


def build(tree: Path, release: int, image: Path) -> None:
    """Write the install tree below `tree` into `image`; CalledProcessError when mkfs.vfat or mcopy fails."""
    boot = image.with_suffix(".efiboot")
    boot_image(tree, boot)
    disc = PyCdlib()
    disc.new(vol_ident=label(release), rock_ridge="1.09", interchange_level=4)
    files = {str(path.relative_to(tree)): path for path in sorted(tree.rglob("*")) if path.is_file()}
    files[BOOT_IMAGE] = boot
    for folder in sorted({str(parent) for name in files for parent in list(Path(name).parents)[:-1]}):
        disc.add_directory(f"/{folder}", rr_name=Path(folder).name)
    for name, path in files.items():
        disc.add_file(str(path), f"/{name}", rr_name=Path(name).name)
    disc.add_eltorito(f"/{BOOT_IMAGE}", efi=True, platform_id=0xEF, boot_load_size=BOOT_BYTES // 512)
    disc.write(str(image))
    disc.close()
    boot.unlink()
    declare(image, REAL_BYTES)


def declare(image: Path, size: int) -> None:
    """Let the primary volume descriptor say that the volume has `size` bytes (ECMA-119, 8.4.8: in both byte orders)."""
    sectors = size // 2048
    with image.open("r+b") as content:
        content.seek(16 * 2048 + 80)
        content.write(struct.pack("<I", sectors) + struct.pack(">I", sectors))


def boot_image(tree: Path, image: Path) -> None:
    """Write a FAT file system with the tree's loaders into `image`."""
    image.unlink(missing_ok=True)
    with image.open("wb") as content:
        content.truncate(BOOT_BYTES)
    subprocess.run(["mkfs.vfat", "-n", "ANACONDA", str(image)], check=True, capture_output=True)
    subprocess.run(["mmd", "-i", str(image), "::/EFI", "::/EFI/BOOT"], check=True, capture_output=True)
    for name in LOADERS:
        subprocess.run(["mcopy", "-i", str(image), str(tree / name), f"::/{name}"], check=True, capture_output=True)


def extract(image: Path, folder: Path) -> None:
    """Write the files of an image into `folder`, by their Rock Ridge names."""
    disc = PyCdlib()
    disc.open(str(image))
    try:
        for directory, folders, files in disc.walk(rr_path="/"):
            for name in folders:
                (folder / directory.lstrip("/") / name).mkdir(parents=True, exist_ok=True)
            for name in files:
                source = f"{directory.rstrip('/')}/{name}"
                disc.get_file_from_iso(str(folder / source.lstrip("/")), rr_path=source)
    finally:
        disc.close()
