"""The DVD image is fetched from a real server, and its digest told, alike by PowerShell and by JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.tests.contracts.hosts.pair import Pair, two_pcs
from rehearsal.upstream import serve

pytestmark = [pytest.mark.powershell, pytest.mark.network]
CONTENT = bytes(range(256)) * 9000
PATH = r"C:\Images\new.iso"


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    return two_pcs(tmp_path, pwsh)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "dvd.iso").write_bytes(CONTENT)
    (folder / "dvd.iso.CHECKSUM").write_text("SHA256 (dvd.iso) = 00\n")
    running = serve(folder, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def save(pair: Pair, url: str, seconds: int = 30) -> dict[str, Any]:
    return pair.run("Save-LabMedia", Url=url, Path=PATH, Seconds=seconds)


def held(pair: Pair, path: str) -> set[bytes]:
    return {pc.local(path).read_bytes() for pc in (pair.real, pair.told)}


def test_an_image_is_fetched_into_a_folder_that_was_not_there(pair: Pair, server: str) -> None:
    assert save(pair, f"{server}/dvd.iso") == {
        "changed": True,
        "bytes": len(CONTENT),
        "total": len(CONTENT),
        "done": True,
    }
    assert held(pair, PATH) == {CONTENT}
    assert not pair.real.local(PATH + ".part").exists()


def test_what_is_there_already_is_left_alone(pair: Pair, server: str) -> None:
    for pc in (pair.real, pair.told):
        pc.local(r"C:\Images").mkdir()
        pc.local(PATH).write_bytes(b"mine")
    assert save(pair, f"{server}/dvd.iso") == {"changed": False, "bytes": 4, "total": 4, "done": True}
    assert held(pair, PATH) == {b"mine"}


@pytest.mark.parametrize("before", [1000, len(CONTENT)])
def test_it_goes_on_where_it_was_cut_off(pair: Pair, server: str, before: int) -> None:
    for pc in (pair.real, pair.told):
        pc.local(r"C:\Images").mkdir()
        pc.local(PATH + ".part").write_bytes(CONTENT[:before])
    assert save(pair, f"{server}/dvd.iso")["done"]
    assert held(pair, PATH) == {CONTENT}


def test_without_time_it_only_tells_how_large_it_is(pair: Pair, server: str) -> None:
    assert save(pair, f"{server}/dvd.iso", seconds=0) == {
        "changed": False,
        "bytes": 0,
        "total": len(CONTENT),
        "done": False,
    }


@pytest.mark.parametrize("address", ["/none.iso", "http://127.0.0.1:9/dvd.iso"])
def test_a_source_that_has_it_not_or_does_not_answer_is_refused(pair: Pair, server: str, address: str) -> None:
    url = address if address.startswith("http") else server + address
    error = save(pair, url)["error"]
    assert (error["id"].partition(",")[0], error["category"]) == ("LabMediaUnreachable", "ConnectionError")
    assert held(pair, PATH + ".part") == {b""}


@pytest.mark.parametrize(("name", "text"), [("dvd.iso.CHECKSUM", "SHA256 (dvd.iso) = 00\n"), ("none", ""), ("", "")])
def test_the_digest_is_told_with_what_is_published(pair: Pair, server: str, name: str, text: str) -> None:
    told = pair.run("Get-LabDigest", Path=r"C:\ISO\rocky.iso", Url=f"{server}/{name}" if name else "")
    assert told == {"changed": False, "published": text, "sha256": hashlib.sha256(b"a DVD").hexdigest()}
