"""Pictures of consoles: RGB565 becomes a PNG that says the same, pixel by pixel."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from labkit.errors import MissingError
from labkit.hyperv import screen
from labkit.session import Session

BLACK, WHITE, RED, GREEN, BLUE, GREY = 0, 0xFFFF, 0xF800, 0x07E0, 0x001F, 0x8410


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG by kind; checks every sum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, rest = {}, png[8:]
    while rest:
        size = int.from_bytes(rest[:4], "big")
        kind, content, total = rest[4:8], rest[8 : 8 + size], rest[8 + size : 12 + size]
        assert int.from_bytes(total, "big") == zlib.crc32(kind + content)
        found[kind], rest = content, rest[12 + size :]
    return found


def test_every_pixel_keeps_its_colour_and_place() -> None:
    found = chunks(screen.png(struct.pack("<6H", BLACK, WHITE, RED, GREEN, BLUE, GREY), 3, 2))
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (3, 2, 8, 2, 0, 0, 0)
    rows = zlib.decompress(found[b"IDAT"])
    assert rows == bytes([0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 255, 132, 130, 132])
    assert found[b"IEND"] == b""


def test_a_picture_of_another_size_than_told_is_an_error_not_a_wrong_picture() -> None:
    with pytest.raises(struct.error):
        screen.png(b"\0" * 10, 3, 2)


def test_running_machines_are_shown_with_one_call_a_host(pcs: Any, on: Callable[[Any], Session]) -> None:
    for name in ("w1", "w2"):
        pcs.vm(name)["state"] = "Running"
    image = base64.b64encode(struct.pack("<2H", RED, BLUE)).decode()
    shown = {"error": None, "width": 2, "height": 1, "image": image}
    pcs.replies["Get-LabScreen"] = lambda host, given: {
        "changed": False,
        "machines": [{"name": {"pc1": "w1", "pc2": "w2"}[host], "id": one, **shown} for one in given["Id"]],
    }
    session = on(pcs)
    files = screen.shoot(session, [machine.name for machine in session.lab.machines])
    assert sorted(file.name for file in files) == ["w1.png", "w2.png"]
    assert len(pcs.made("Get-LabScreen")) == 2
    assert chunks(files[0].read_bytes())


def test_a_lab_that_is_off_has_nothing_to_show(pcs: Any, on: Callable[[Any], Session]) -> None:
    with pytest.raises(MissingError, match="not running"):
        screen.shoot(on(pcs), ["w1"])
