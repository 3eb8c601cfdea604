"""Mirrors are asked for parts of files, too: curl resumes, dnf reads headers."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.upstream.server import serve

pytestmark = pytest.mark.network


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "file").write_bytes(b"0123456789")
    server = serve(tmp_path, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def fetch(url: str, span: str | None = None) -> tuple[int, bytes, str | None]:
    request = urllib.request.Request(url, headers={"Range": span} if span else {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status, answer.read(), answer.headers["Content-Range"]


def test_a_whole_file_is_served(address: str) -> None:
    assert fetch(f"{address}/file") == (200, b"0123456789", None)


def test_a_range_is_served_as_partial_content(address: str) -> None:
    assert fetch(f"{address}/file", "bytes=2-4") == (206, b"234", "bytes 2-4/10")


def test_an_open_range_ends_at_the_end_of_the_file(address: str) -> None:
    assert fetch(f"{address}/file", "bytes=8-") == (206, b"89", "bytes 8-9/10")


def test_a_range_beyond_the_file_is_refused(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        fetch(f"{address}/file", "bytes=10-")
    assert refusal.value.code == 416


def test_an_unknown_file_is_not_found(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        fetch(f"{address}/nothing")
    assert refusal.value.code == 404
