"""A DVD is known by what its first sectors say, and anything else is refused with the reason."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from labkit.media.dvd import SECTOR, Dvd, NotBootableError, read
from tests import discs


def test_a_release_dvd_tells_its_label_and_where_its_boot_image_lies(tmp_path: Path) -> None:
    image = discs.dvd(tmp_path / "rocky.iso")
    dvd = read(*discs.looked_at(image))
    assert (dvd.label, dvd.release, dvd.has_packages) == ("Rocky-9-7-x86_64-dvd", 9, True)
    held = image.read_bytes()[dvd.boot_offset : dvd.boot_offset + dvd.boot_bytes]
    assert held[: len(discs.BOOT_IMAGE)] == discs.BOOT_IMAGE


@pytest.mark.parametrize(
    ("label", "size", "release", "has_packages"),
    [
        ("Rocky-10-1-x86_64-dvd", 9_278_128_128, 10, True),
        ("Rocky-9-8-x86_64-dvd", 15_194_259_456, 9, True),
        # Rocky gives its media without packages the label of the DVD.
        ("Rocky-9-8-x86_64-dvd", 1_480_048_640, 9, False),
        ("Rocky-9-8-x86_64-dvd", 2_800_000_000, 9, False),
        ("Rocky-9-x86_64-dvd", 12_000_000_000, 9, True),
        ("CentOS-Stream-9-BaseOS-x86_64", 12_000_000_000, None, False),
        ("", 0, None, False),
    ],
)
def test_the_release_follows_from_the_label_and_the_packages_from_the_size(
    label: str, size: int, release: int | None, has_packages: bool
) -> None:
    dvd = Dvd(label, size, 0, 0)
    assert (dvd.release, dvd.has_packages) == (release, has_packages)


def test_the_image_for_uefi_is_taken_from_its_section_behind_that_for_a_bios() -> None:
    default = struct.pack("<BBHBBHI20x", 0x88, 0, 0, 0, 0, 4, 100)
    header = struct.pack("<BBH28x", 0x91, 0xEF, 1)
    section = struct.pack("<BBHBBHI20x", 0x88, 0, 0, 0, 0, 20000, 300)
    catalog = (b"\x01\x00" + bytes(30) + default + header + section).ljust(SECTOR, b"\0")
    primary = (b"\x01CD001\x01\x00" + b" " * 32 + b"Rocky-9-7-x86_64-dvd".ljust(32)).ljust(80, b"\0")
    primary = (primary + struct.pack("<I", 7000)).ljust(SECTOR, b"\0")
    assert read(primary, catalog) == Dvd("Rocky-9-7-x86_64-dvd", 7000 * SECTOR, 300 * SECTOR, 20000 * 512)


@pytest.mark.parametrize("descriptors", [b"", b"PK\x03\x04" * 2048, bytes(SECTOR)])
def test_what_is_no_disc_image_is_refused(descriptors: bytes) -> None:
    with pytest.raises(NotBootableError, match="no ISO 9660 image"):
        read(descriptors, b"")
