"""A Rocky DVD, known by its volume descriptors (ECMA-119) and its boot catalog (El Torito 1.0). Pure."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

USUAL_GB = 15  # Rocky 9.8's DVD has 15.2 GB, 10.1's 9.3
HOW_TO_GET_IT = f"`inv pxe.media` fetches Rocky's DVD (about {USUAL_GB} GB); or correct lab.iso_path"
# Its media called minimal have 2.8 GB at most, those called boot 1.5 GB, and all have the DVD's label.
LEAST_WITH_PACKAGES = 5_000_000_000
SECTOR = 2048
PRIMARY, TERMINATOR = 1, 255
EFI = 0xEF  # platform id of a catalog's section (UEFI 2.10, 13.3.2.1)
VIRTUAL_SECTOR = 512  # a catalog counts in these
LABEL = re.compile(r"Rocky-(?P<release>\d+)-(?:.*-)?\w+$")


class NotBootableError(ValueError):
    """The bytes are no medium that UEFI firmware could start, with the reason."""


@dataclass(frozen=True)
class Dvd:
    """What is known of a medium, in bytes. `boot_offset` and `boot_bytes`: the FAT image that firmware starts."""

    label: str
    size: int
    boot_offset: int
    boot_bytes: int

    @property
    def release(self) -> int | None:
        """Rocky's major release by the label, such as Rocky-9-7-x86_64-dvd; None for anything else."""
        match = LABEL.match(self.label)
        return int(match["release"]) if match else None

    @property
    def has_packages(self) -> bool:
        """Whether all packages are on it."""
        return self.release is not None and self.size >= LEAST_WITH_PACKAGES


def read(descriptors: bytes, catalog: bytes) -> Dvd:
    """Put together what the descriptors and the boot catalog say; NotBootableError names what is missing."""
    primary = next((sector for sector in _sectors(descriptors) if sector[0] == PRIMARY), None)
    if primary is None:
        raise NotBootableError("it is no ISO 9660 image")
    label = primary[40:72].decode("ascii", "replace").strip()
    (sectors,) = struct.unpack_from("<I", primary, 80)
    offset, length = _efi_image(catalog)
    return Dvd(label, sectors * SECTOR, offset, length)


def _sectors(descriptors: bytes) -> list[bytes]:
    found = []
    for start in range(0, len(descriptors) - SECTOR + 1, SECTOR):
        sector = descriptors[start : start + SECTOR]
        if sector[1:6] != b"CD001" or sector[0] == TERMINATOR:
            break
        found.append(sector)
    return found


def _efi_image(catalog: bytes) -> tuple[int, int]:
    """Place and length of the image for EFI: of the default entry, or of the section that is for that platform."""
    platform, entries = catalog[1] if catalog[:1] == b"\x01" else None, catalog[32:]
    for start in range(0, len(entries) - 31, 32):
        entry = entries[start : start + 32]
        if entry[0] in (0x90, 0x91):  # the header of a section
            platform = entry[1]
        elif entry[0] == 0x88 and platform == EFI:
            count, sector = struct.unpack_from("<HI", entry, 6)
            if count < 2:  # some tools say nothing of the length
                break
            return sector * SECTOR, count * VIRTUAL_SECTOR
    raise NotBootableError("it has no boot image for UEFI")
