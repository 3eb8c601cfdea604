"""The DVD is told and the boot disk made alike by PowerShell and by JSON."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import Json
from rehearsal.tests.contracts.hosts.pair import FOLDER, LAB, Pair, change_both, look, machine, set_both, two_pcs_with
from tests import discs

pytestmark = pytest.mark.powershell
ISO = r"C:\ISO\rocky.iso"
DISK = rf"{FOLDER}\w1\system-1f2e3d4c.vhdx"
IMAGE = rf"{FOLDER}\w1\boot.iso"
PARTS = [{"data": base64.b64encode(b"begin").decode()}, {"zero": 7}, {"from": 2048 * 16, "length": 2048}]


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    """Two PCs with a small DVD and one machine, which has the DVD in its drive."""
    pair = two_pcs_with(tmp_path, pwsh, machine())
    for pc in (pair.real, pair.told):
        discs.dvd(pc.drive / "ISO" / "rocky.iso").touch()
    (pair.told.drive / "ISO" / "rocky.iso").write_bytes((pair.real.drive / "ISO" / "rocky.iso").read_bytes())
    return pair


def insert(pair: Pair, **changed: Any) -> dict[str, Any]:
    given = {"Lab": LAB, "Id": f"@{LAB}-w1", "Iso": ISO, "Disk": DISK, "Path": IMAGE, "Part": PARTS}
    return pair.run("Set-LabBootDisk", **given | changed)


def detail(pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = look(pair)["vms"][0]["detail"]
    return found


def test_the_dvd_is_told_with_its_boot_catalog(pair: Pair) -> None:
    told = pair.run("Get-LabMedia", Iso=ISO, Disk=DISK)
    assert base64.b64decode(told["media"]["descriptors"])[1:6] == b"CD001"
    assert base64.b64decode(told["media"]["catalog"])[:2] == b"\x01\xef"


def test_a_disc_that_does_not_boot_has_no_catalog(pair: Pair) -> None:
    for pc in (pair.real, pair.told):
        (pc.drive / "ISO" / "rocky.iso").write_bytes(b"\0" * 60000)
    assert pair.run("Get-LabMedia", Iso=ISO, Disk=DISK)["media"]["catalog"] == ""


def test_what_was_written_to_a_disk_counts(pair: Pair) -> None:
    blank = pair.run("Get-LabMedia", Iso=ISO, Disk=DISK)["disk_bytes"]
    for pc in (pair.real, pair.told):
        file = pc.local(DISK)
        file.write_text(file.read_text().replace("{", '{"file_bytes": 2000000000, ', 1))
    assert (blank, pair.run("Get-LabMedia", Iso=ISO, Disk=DISK)["disk_bytes"]) == (4 << 20, 2000000000)


def test_only_what_is_named_is_looked_at(pair: Pair) -> None:
    assert pair.run("Get-LabMedia", Iso=ISO)["disk_bytes"] is None
    assert pair.run("Get-LabMedia", Disk=DISK) == {"changed": False, "disk_bytes": 4 << 20, "media": None}


def test_a_missing_dvd_is_refused(pair: Pair) -> None:
    assert pair.run("Get-LabMedia", Iso=r"C:\ISO\none.iso", Disk=DISK)["error"]["category"] == "ObjectNotFound"


def test_the_boot_disk_is_put_together_and_is_the_second_to_start(pair: Pair) -> None:
    assert insert(pair) == {"changed": True}
    content = pair.real.local(IMAGE).read_bytes()
    assert content[:12] == b"begin" + bytes(7)
    assert content[12:] == (pair.real.drive / "ISO" / "rocky.iso").read_bytes()[2048 * 16 : 2048 * 17]
    now = detail(pair)
    dvds = {dvd["id"]: dvd["path"] for dvd in now["dvds"]}
    assert [dvds.get(entry["id"], entry["type"]) for entry in now["boot"]] == ["Drive", IMAGE, ISO, "Network"]


def test_inserting_again_makes_no_second_drive(pair: Pair) -> None:
    insert(pair)
    insert(pair, Part=PARTS[:1])
    assert len(detail(pair)["dvds"]) == 2
    assert pair.real.local(IMAGE).read_bytes() == b"begin"


def test_a_dvd_that_ends_too_early_is_refused(pair: Pair) -> None:
    refused = insert(pair, Part=[{"from": 1 << 30, "length": 2048}])
    assert refused["error"]["id"].startswith("LabMediaShort")


@pytest.mark.parametrize(
    ("properties", "error"), [({"notes": "mine"}, "LabNotOurs"), ({"state": "Running"}, "LabNotOff")]
)
def test_a_foreign_or_running_machine_is_refused(pair: Pair, properties: Json, error: str) -> None:
    set_both(pair, "w1", **properties)
    assert insert(pair)["error"]["id"].startswith(error)
    assert not pair.real.local(IMAGE).exists()


@pytest.mark.parametrize(("refused", "left"), [(1, []), (99, [""])], ids=["at first", "always"])
def test_a_drive_that_stays_is_emptied_and_what_fails_at_first_is_tried_again(
    pair: Pair, refused: int, left: list[str]
) -> None:
    insert(pair)
    set_both(pair, "w1", state="Running")
    change_both(pair, lambda state: state.update(fails_at_first={"Remove-VMDvdDrive": refused, "Remove-Item": 1}))
    assert pair.run("Remove-LabBootDisk", Lab=LAB, Id=f"@{LAB}-w1", Path=IMAGE) == {"changed": True}
    assert not pair.real.local(IMAGE).exists()
    assert [dvd["path"] for dvd in detail(pair)["dvds"]] == [ISO, *left]


def test_it_is_taken_out_of_a_running_machine_and_deleted_once(pair: Pair) -> None:
    insert(pair)
    set_both(pair, "w1", state="Running")
    given = {"Lab": LAB, "Id": f"@{LAB}-w1", "Path": IMAGE}
    assert pair.run("Remove-LabBootDisk", **given) == {"changed": True}
    assert pair.run("Remove-LabBootDisk", **given) == {"changed": False}
    assert not pair.real.local(IMAGE).exists()
    change_both(pair, lambda state: next(iter(state["vms"].values())).update(state="Off"))
    assert [dvd["path"] for dvd in detail(pair)["dvds"]] == [ISO]
