"""The answers of the scripts about the DVD image: what it is, fetching it, its digest."""

from __future__ import annotations

import base64
import hashlib
import struct
import time
import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from typing import IO

from rehearsal.hosts.pc import disks
from rehearsal.hosts.pc.refusals import RefusedError, no_file
from rehearsal.hosts.state import HostState, Json

TIMEOUT_S = 30
BUFFER = 1 << 20
SECTOR = 2048
DESCRIPTORS = (16, 4)  # the first one's sector, and how many are read
BOOT_SYSTEM = b"EL TORITO SPECIFICATION"


def get_lab_media(pc: HostState, given: Json) -> Json:
    """Tell what the DVD image says of itself, and how large a disk's file is; only what was named."""
    media = _medium(existing(pc, given["Iso"])) if given.get("Iso") else None
    return {
        "changed": False,
        "disk_bytes": disks.read_disk(pc, given["Disk"])["file_bytes"] if given.get("Disk") else None,
        "media": media,
    }


def _medium(iso: Path) -> Json:
    with iso.open("rb") as image:
        descriptors = _read(image, *DESCRIPTORS)
        place = _catalog(descriptors)
        catalog = b"" if place is None else _read(image, place, 1)
    return {"bytes": iso.stat().st_size, "descriptors": _base64(descriptors), "catalog": _base64(catalog)}


def save_lab_media(pc: HostState, given: Json) -> Json:
    """Fetch the image for so many seconds, from where the last call stopped."""
    image, part = pc.local(given["Path"]), pc.local(given["Path"] + ".part")
    if image.exists():
        size = image.stat().st_size
        return {"changed": False, "bytes": size, "total": size, "done": True}
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as target:
        before = target.tell()
        response = _response(given["Url"], before)
        total = before if response is None else _piece(response, target, given["Seconds"])
        now = target.tell()
    if now >= total:
        part.rename(image)
    return {"changed": now != before, "bytes": now, "total": total, "done": now >= total}


def get_lab_digest(pc: HostState, given: Json) -> Json:
    """Tell the image's SHA-256 and the text that names the right one."""
    with existing(pc, given["Path"]).open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"changed": False, "published": _text(given.get("Url", "")), "sha256": digest}


def existing(pc: HostState, path: str) -> Path:
    """Return where a file of the PC lies, as Get-Item finds it."""
    file = pc.local(path)
    if not file.is_file():
        raise no_file(path)
    return file


def _response(url: str, start: int) -> HTTPResponse | None:
    """None when there is nothing behind what is here already."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - a test's own server
    except urllib.error.HTTPError as error:
        if start and error.code == 416:
            return None
        raise _unreachable(url, error) from error
    except urllib.error.URLError as error:
        raise _unreachable(url, error) from error
    return response


def _piece(response: HTTPResponse, target: IO[bytes], seconds: float) -> int:
    with response:
        if response.status != 206:
            target.truncate(0)
            target.seek(0)
        total = target.tell() + int(response.headers["Content-Length"])
        end = time.monotonic() + seconds
        while time.monotonic() < end and (data := response.read(BUFFER)):
            target.write(data)
    return total


def _text(url: str) -> str:
    try:
        response: HTTPResponse
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - a test's own server
            return response.read().decode()
    except (urllib.error.URLError, ValueError):  # not published, out of reach, or none was named
        return ""


def _unreachable(url: str, error: Exception) -> RefusedError:
    return RefusedError(f"{url} cannot be fetched: {error}", "LabMediaUnreachable", "ConnectionError")


def _read(image: IO[bytes], first: int, count: int) -> bytes:
    image.seek(first * SECTOR)
    return image.read(count * SECTOR)


def _catalog(descriptors: bytes) -> int | None:
    for start in range(0, len(descriptors) - SECTOR + 1, SECTOR):
        if descriptors[start] == 0 and descriptors[start + 7 : start + 30] == BOOT_SYSTEM:
            return int(struct.unpack_from("<I", descriptors, start + 71)[0])
    return None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
