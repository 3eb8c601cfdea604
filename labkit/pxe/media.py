"""The DVD image on the PC of the bootstrap server: fetched there, held to its SHA-256."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from labkit.errors import LabError, MissingError
from labkit.hyperv.findings import answering

if TYPE_CHECKING:
    from labkit.description.lab import Lab
    from labkit.session import Session

PIECE_S = 30
GB = 10**9
SERVER = "https://download.rockylinux.org/pub/rocky"
DIGEST = re.compile(r"SHA256 \([^)]*\) = ([0-9a-f]{64})")  # a line of Rocky's CHECKSUM files


@dataclass(frozen=True)
class Media:
    """The image: its path on `host`, its SHA-256, who said that this is the right one, whether it was fetched now."""

    host: str
    path: str
    sha256: str
    by: str
    fetched: bool


def source(lab: Lab) -> str:
    """Where the image is fetched from."""
    release = lab.rocky.release
    return lab.rocky.iso_url or f"{SERVER}/{release}/isos/x86_64/Rocky-{release}-latest-x86_64-dvd.iso"


def provide(session: Session) -> Media:
    """Fetch the image if it is not there, going on where an earlier call stopped, and compare its SHA-256.

    Raises MissingError when the PC has no room for it, LabError when it cannot be fetched, or is another file than it
    should be; that one stays where it is.
    """
    lab, host = session.lab, session.lab.bootstrap.host
    here = answering(session.hosts.read())[host]
    if not here.has_iso:
        _require_room(session, here.free_bytes)
        _fetch(session)
    session.console.print(f"    {host}: reading {lab.iso_path} for its SHA-256, about a minute")
    published = "" if lab.rocky.iso_sha256 else f"{source(lab)}.CHECKSUM"
    answer = session.hosts.ask("Get-LabDigest", {host: {"Path": lab.iso_path, "Url": published}})[host]
    by = _compare(session, answer["sha256"], answer["published"])
    return Media(host, lab.iso_path, answer["sha256"], by, not here.has_iso)


def _require_room(session: Session, free_bytes: int | None) -> None:
    """The free space is told of the drive of vm_path; on another one Windows says so itself."""
    lab, host = session.lab, session.lab.bootstrap.host
    piece = session.hosts.run("Save-LabMedia", {host: _piece(lab, 0)})[host]
    left = piece["total"] - piece["bytes"]
    same_drive = PureWindowsPath(lab.iso_path).drive.lower() == PureWindowsPath(lab.vm_path).drive.lower()
    if same_drive and free_bytes is not None and left > free_bytes:
        raise MissingError(
            f"{host} has {free_bytes / GB:.1f} GB free, and {left / GB:.1f} GB are to be fetched to {lab.iso_path}",
            "free some space there, or name a path on another drive in lab.iso_path",
        )


def _fetch(session: Session) -> None:
    """Piece by piece, each a call of its own: so a run that was cut off goes on, and progress can be told."""
    lab, host = session.lab, session.lab.bootstrap.host
    session.console.print(f"    {host}: fetching {source(lab)} to {lab.iso_path}")
    begin, first = time.monotonic(), None
    while True:
        piece = session.hosts.run("Save-LabMedia", {host: _piece(lab, PIECE_S)})[host]
        first = piece["bytes"] if first is None else first
        if piece["done"]:
            return
        rate = (piece["bytes"] - first) / max(time.monotonic() - begin - PIECE_S, 1)
        left = f", about {(piece['total'] - piece['bytes']) / rate / 60:.0f} min left" if rate else ""
        session.console.print(f"    {host}: {piece['bytes'] / GB:.1f} of {piece['total'] / GB:.1f} GB{left}")


def _piece(lab: Lab, seconds: int) -> dict[str, object]:
    return {"Url": source(lab), "Path": lab.iso_path, "Seconds": seconds}


def _compare(session: Session, found: str, published: str) -> str:
    """Who says what the digest has to be. Raises LabError when it is another, or nobody says."""
    lab, host = session.lab, session.lab.bootstrap.host
    match = DIGEST.search(published)
    wanted = lab.rocky.iso_sha256 or (match[1] if match else None)
    by = "rocky.iso_sha256" if lab.rocky.iso_sha256 else f"{source(lab)}.CHECKSUM"
    if wanted is None:
        raise MissingError(
            f"nobody says what {lab.iso_path} on {host} should be: {host} cannot read {by}; its SHA-256 is {found}",
            "compare that with Rocky's own list, and write it into rocky.iso_sha256",
        )
    if found != wanted:
        raise LabError(
            f"{lab.iso_path} on {host} has the SHA-256 {found}, not {wanted} ({by}): damaged, or another release's",
            f"delete or move it, then `inv pxe.media` fetches {source(lab)}",
        )
    return by
