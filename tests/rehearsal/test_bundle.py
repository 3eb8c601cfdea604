"""After a failure one file says what happened to somebody who was not there."""

from __future__ import annotations

from zipfile import ZipFile

from rehearsal.room.layout import HOST_PASSWORD
from tests.rehearsal.rehearsing import Rehearsal


def test_a_bundle_after_a_failure_shows_its_cause_and_no_secret(room: Rehearsal) -> None:
    room.on("bootstrap", "systemctl stop nginx")
    try:
        failed = room.inv("pxe.check")
        file = room.folder / "failed.bundle.zip"
        run = room.inv("lab.bundle", "--file", str(file))
    finally:
        room.on("bootstrap", "systemctl start nginx")
    assert failed.code, failed
    assert f"hint: `inv -f {room.file} lab.bundle` puts" in failed.output
    assert (run.code, run.mutating) == (0, []), run
    with ZipFile(file) as archive:
        found = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert "not there" not in found["contents.txt"], found["contents.txt"]
    assert f"exit code {failed.code}; error: " in found["contents.txt"]
    assert "nginx: inactive" in found["machines/bootstrap.txt"]
    assert "==> kubelet" in found["machines/w2.txt"]
    assert any(name.startswith("ansible/") and "stats" in text for name, text in found.items())
    key = (
        room.state.joinpath("id_ed25519").read_text().split()[5]
    )  # after four words of the head and a line that all such keys have
    assert [name for name, text in found.items() if key in text or HOST_PASSWORD in text] == []
