"""Pictures of machines' consoles: what a person would see in Hyper-V Manager, as PNG files."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import MissingError
from labkit.hyperv.findings import answering

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts
    from labkit.session import Session

PNG = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR = struct.pack(">BBBBB", 8, 2, 0, 0, 0)  # 8 bits a channel, RGB, deflate, no filter type, not interlaced


def shoot(session: Session, machines: Iterable[str]) -> list[Path]:
    """Write a PNG of each running machine's console into `.lab/<id>/screens/`; return the files.

    Raises MissingError when none of them runs.
    """
    found = pictures(session, answering(session.hosts.read()), machines)
    return [_keep(session, name, picture) for name, picture in found.items()]


def pictures(session: Session, facts: Facts, machines: Iterable[str]) -> dict[str, bytes]:
    """A PNG of the console of each machine that runs by these `facts`, by its name. Raises as `shoot` does."""
    wanted = list(machines)
    parameters: dict[str, dict[str, Any]] = {}
    for host, here in facts.items():
        ids = [vm.id for name, vm in here.machines.items() if name in wanted and vm.state == "Running"]
        if ids:
            parameters[host] = {"Lab": session.lab.name, "Id": ids}
    if not parameters:
        raise MissingError(f"nothing to see: {', '.join(wanted)} not running", "inv hyperv.start")
    rows = [row for answer in session.hosts.ask("Get-LabScreen", parameters).values() for row in answer["machines"]]
    return {row["name"]: png(base64.b64decode(row["image"]), row["width"], row["height"]) for row in rows}


def _keep(session: Session, name: str, picture: bytes) -> Path:
    session.state.prepare()
    file = session.state.path / "screens" / f"{name}.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(picture)
    return file


def png(rgb565: bytes, width: int, height: int) -> bytes:
    """A PNG of pixels in RGB565, lowest byte first, row by row from the top (Msvm thumbnail format).

    Five or six bits become eight by repeating the highest ones below, so that full stays full and black stays black.
    """
    pixels = struct.unpack(f"<{width * height}H", rgb565)
    colours = {pixel: _rgb(pixel) for pixel in set(pixels)}
    rows = (pixels[start : start + width] for start in range(0, width * height, width))
    raw = b"".join(b"\0" + b"".join(colours[pixel] for pixel in row) for row in rows)  # 0: the row is not filtered
    head = struct.pack(">II", width, height) + TRUE_COLOUR
    return PNG + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(raw)) + _chunk(b"IEND", b"")


def _rgb(pixel: int) -> bytes:
    red, green, blue = pixel >> 11, pixel >> 5 & 63, pixel & 31
    return bytes((red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
