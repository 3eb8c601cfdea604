"""The DVD image is fetched piece by piece, and held to its SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labkit.errors import LabError, MissingError
from labkit.pxe import media
from labkit.session import Session

Answer = dict[str, Any]
RIGHT, WRONG = "ab" * 32, "cd" * 32
GB = media.GB


@pytest.fixture
def ready(pcs: Any, on: Callable[[Any], Session]) -> Session:
    """A PC without the image, from which three calls fetch it."""
    pcs.answers["pc1"]["iso"] = False
    sizes = iter([0, 5 * GB, 9 * GB, 12 * GB])

    def save(_: str, given: Answer) -> Answer:
        size = next(sizes)
        return {"changed": True, "bytes": size, "total": 12 * GB, "done": size == 12 * GB}

    pcs.replies["Save-LabMedia"] = save
    published = f"# Rocky-9.7-x86_64-dvd.iso: 12 bytes\nSHA256 (Rocky-9.7-x86_64-dvd.iso) = {RIGHT}\n"
    pcs.replies["Get-LabDigest"] = lambda host, given: {"changed": False, "sha256": RIGHT, "published": published}
    return on(pcs)


def described(session: Session, **changed: Any) -> Session:
    session.lab = replace(session.lab, rocky=session.lab.rocky.model_copy(update=changed))
    return session


def test_it_is_fetched_in_pieces_whose_progress_is_told(
    ready: Session, pcs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = media.provide(ready)
    assert (found.fetched, found.sha256, found.host) == (True, RIGHT, "pc1")
    assert [given["Seconds"] for _, given in pcs.made("Save-LabMedia")] == [0, 30, 30, 30]
    url = "https://download.rockylinux.org/pub/rocky/9/isos/x86_64/Rocky-9-latest-x86_64-dvd.iso"
    assert {given["Url"] for _, given in pcs.made("Save-LabMedia")} == {url}
    assert found.by == f"{url}.CHECKSUM"
    told = capsys.readouterr().err
    assert "5.0 of 12.0 GB" in told
    assert "9.0 of 12.0 GB" in told


def test_an_image_that_is_there_is_only_compared(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = True
    assert not media.provide(ready).fetched
    assert not pcs.made("Save-LabMedia")


def test_a_digest_of_the_users_own_counts_and_nothing_is_asked_of_the_source(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = True
    assert media.provide(described(ready, iso_sha256=RIGHT)).by == "rocky.iso_sha256"
    assert pcs.made("Get-LabDigest")[0][1]["Url"] == ""


def test_another_source_and_release_are_fetched_from_where_the_description_says(ready: Session, pcs: Any) -> None:
    assert media.source(described(ready, release=10).lab).endswith("/10/isos/x86_64/Rocky-10-latest-x86_64-dvd.iso")
    assert media.source(described(ready, iso_url="http://mirror/dvd.iso").lab) == "http://mirror/dvd.iso"


def test_another_file_is_refused_and_stays(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = True
    with pytest.raises(LabError, match=f"has the SHA-256 {RIGHT}, not {WRONG}") as error:
        media.provide(described(ready, iso_sha256=WRONG))
    assert "delete or move it" in str(error.value.hint)


def test_where_nobody_says_what_it_should_be_its_digest_is_told(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = True
    pcs.replies["Get-LabDigest"] = lambda host, given: {"changed": False, "sha256": RIGHT, "published": ""}
    with pytest.raises(MissingError, match=f"its SHA-256 is {RIGHT}"):
        media.provide(ready)


def test_a_pc_without_room_for_it_is_refused_before_anything_is_fetched(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["free_bytes"] = 11 * GB
    with pytest.raises(MissingError, match=r"11.0 GB free, and 12.0 GB are to be fetched"):
        media.provide(ready)
    assert [given["Seconds"] for _, given in pcs.made("Save-LabMedia")] == [0]
