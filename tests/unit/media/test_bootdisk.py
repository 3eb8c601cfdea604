"""The boot disk: an image that firmware starts with the DVD's own loaders, and that holds the lab's files."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

from pycdlib import PyCdlib

from labkit.description.lab import Lab
from labkit.media import bootdisk, dvd
from tests import discs

FILES = {"ks.cfg": b"text\n" * 2000, "EFI/BOOT/grub.cfg": b"set timeout=0\n", "grub/grub.cfg": b"set timeout=0\n"}


def joined(parts: list[bootdisk.Part], source: bytes) -> bytes:
    """What Set-LabBootDisk.ps1 makes of them."""
    pieces = {
        "data": lambda part: base64.b64decode(part["data"]),
        "zero": lambda part: bytes(part["zero"]),
        "from": lambda part: source[part["from"] : part["from"] + part["length"]],
    }
    return b"".join(pieces[next(iter(part))](part) for part in parts)


def test_it_starts_the_dvds_own_loaders_and_holds_every_file_as_given(tmp_path: Path) -> None:
    release = discs.dvd(tmp_path / "rocky.iso")
    image = tmp_path / "boot.iso"
    image.write_bytes(joined(bootdisk.parts(FILES, dvd.read(*discs.looked_at(release))), release.read_bytes()))
    made = dvd.read(*discs.looked_at(image))
    started = image.read_bytes()[made.boot_offset : made.boot_offset + len(discs.BOOT_IMAGE)]
    assert (made.label, started) == ("OEMDRV", discs.BOOT_IMAGE)
    disc = PyCdlib()
    disc.open(str(image))
    for path, content in FILES.items():
        for kind in ("rr_path", "joliet_path"):
            held = io.BytesIO()
            disc.get_file_from_iso_fp(held, **{kind: f"/{path}"})
            assert held.getvalue() == content
    disc.close()


def test_megabytes_of_loaders_never_travel() -> None:
    parts = bootdisk.parts(FILES, dvd.Dvd("Rocky-9-7-x86_64-dvd", 0, 1 << 20, 12 << 20))
    assert {"from": 1 << 20, "length": 12 << 20} in parts
    assert len(json.dumps(parts)) < 100_000


def test_an_image_of_odd_length_is_filled_up_to_a_sector() -> None:
    parts = bootdisk.parts(FILES, dvd.Dvd("Rocky-9-7-x86_64-dvd", 0, 2048, 5 * 512))
    place = parts.index({"from": 2048, "length": 2560})
    assert parts[place + 1] == {"zero": 1536}


def test_grub_names_the_dvd_and_the_kickstart_and_waits_for_nobody(lab: Lab) -> None:
    text = bootdisk.grub(lab, dvd.Dvd("A DVD", 0, 0, 0))
    assert "set timeout=0" in text
    assert "--label 'A DVD'" in text
    assert "inst.stage2=hd:LABEL=A\\x20DVD inst.ks=hd:LABEL=OEMDRV:/ks.cfg" in text
    assert "rd.live.check" not in text  # which reads all of the DVD before it begins
