"""The boot disk goes in only while the disk is blank, only with the right DVD, and comes out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import MissingError, RefusedError
from labkit.hyperv import bootdisk
from labkit.session import Session
from tests import discs

IMAGE = r"C:\Lab\lab-7e57\bootstrap\boot.iso"
Answer = dict[str, Any]


def media(folder: Path, **changed: Any) -> Callable[[str, Answer], Answer]:
    """What a PC with a DVD and a blank disk tells."""
    descriptors, catalog = discs.looked_at(discs.dvd(folder / "rocky.iso", **changed))
    text = {"descriptors": base64.b64encode(descriptors).decode(), "catalog": base64.b64encode(catalog).decode()}
    return lambda host, given: {"changed": False, "disk_bytes": 6 << 20, "media": {"bytes": 1, **text}}


@pytest.fixture
def ready(pcs: Any, on: Callable[[Any], Session], tmp_path: Path) -> Session:
    pcs.vm("bootstrap")["state"] = "Off"
    pcs.replies["Get-LabMedia"] = media(tmp_path)
    pcs.replies["Set-LabBootDisk"] = pcs.replies["Remove-LabBootDisk"] = lambda host, given: {"changed": True}
    return on(pcs)


def test_a_blank_machine_gets_it_in_one_call_with_the_kickstart_inside(ready: Session, pcs: Any) -> None:
    assert bootdisk.insert(ready, "text\nreboot\n")
    ((host, given),) = pcs.made("Set-LabBootDisk")
    assert (host, given["Path"], given["Id"]) == ("pc1", IMAGE, pcs.vm("bootstrap")["id"])
    written = b"".join(base64.b64decode(part["data"]) for part in given["Part"] if "data" in part)
    assert b"text\nreboot\n" in written
    assert b"Rocky-9-7-x86_64-dvd" in written


@pytest.mark.parametrize("has_dvd", [True, False])
def test_a_disk_that_holds_something_is_left_alone_and_needs_no_dvd(ready: Session, pcs: Any, has_dvd: bool) -> None:
    pcs.answers["pc1"]["iso"] = has_dvd
    told = pcs.replies["Get-LabMedia"]("pc1", {}) | ({} if has_dvd else {"media": None})
    pcs.replies["Get-LabMedia"] = lambda host, given: {**told, "disk_bytes": 2 << 30}
    assert not bootdisk.insert(ready, "text\n")
    assert not pcs.made("Set-LabBootDisk")


def test_a_small_layer_above_a_checkpoint_is_not_taken_for_a_blank_disk(ready: Session, pcs: Any) -> None:
    row = {"name": "before", "time": "2026-11-27T10:00:00Z", "disks": []}
    pcs.vm("bootstrap")["detail"]["checkpoints"] = [row]
    assert not bootdisk.insert(ready, "text\n")
    assert not pcs.made("Get-LabMedia")


def test_without_the_dvd_the_task_that_fetches_it_is_named(ready: Session, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = False
    with pytest.raises(MissingError, match=r"Rocky-9-latest-x86_64-dvd.iso, which is not on pc1") as error:
        bootdisk.insert(ready, "text\n")
    assert "`inv pxe.media` fetches Rocky's DVD" in str(error.value.hint)
    assert all("Iso" not in given for _, given in pcs.made("Get-LabMedia"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"label": "Rocky-10-1-x86_64-dvd"}, "'Rocky-10-1-x86_64-dvd', which is not Rocky Linux 9"),
        ({"declared": 1_480_048_640}, r"has 1\.5 GB: only the DVD has all packages"),
        ({"label": "CCCOMA_X64FRE"}, "'CCCOMA_X64FRE', which is not Rocky Linux 9"),
        ({"boot_image": None}, "no boot image for UEFI"),
    ],
)
def test_another_disc_is_refused_before_anything_is_written(
    ready: Session, pcs: Any, tmp_path: Path, changed: Answer, reason: str
) -> None:
    pcs.replies["Get-LabMedia"] = media(tmp_path, **changed)
    with pytest.raises(RefusedError, match=reason):
        bootdisk.insert(ready, "text\n")
    assert not pcs.made("Set-LabBootDisk")


def test_it_is_taken_out_when_it_is_in_and_nothing_is_asked_when_not(ready: Session, pcs: Any) -> None:
    assert not bootdisk.remove(ready)
    assert not pcs.made("Remove-LabBootDisk")
    pcs.vm("bootstrap")["detail"]["dvds"].append({"id": "second", "path": IMAGE.upper()})
    ready.hosts.forget()
    assert bootdisk.is_in(ready)
    assert bootdisk.remove(ready)
    assert pcs.made("Remove-LabBootDisk")[0][1]["Path"] == IMAGE


@pytest.mark.parametrize(
    ("disk_bytes", "change", "content"),
    [
        (6 << 20, lambda vm: None, "nothing"),
        (2 << 30, lambda vm: None, "something"),
        (6 << 20, lambda vm: vm.update(state="Running"), "something"),
        (6 << 20, lambda vm: vm["detail"]["dvds"].append({"id": "second", "path": IMAGE}), "installing"),
        (6 << 20, lambda vm: vm["detail"]["checkpoints"].append({"name": "a", "time": "t", "disks": []}), "something"),
    ],
)
def test_what_is_on_the_disk_is_told_without_a_dvd_and_with_another_host_away(
    ready: Session, pcs: Any, disk_bytes: int, change: Callable[[Answer], object], content: str
) -> None:
    pcs.answers["pc1"]["iso"] = False
    change(pcs.vm("bootstrap"))
    pcs.replies["Get-LabMedia"] = lambda host, given: {"changed": False, "disk_bytes": disk_bytes, "media": None}
    facts, _ = ready.hosts.survey()
    pcs.answers.pop("pc2")
    vm = facts["pc1"].machines["bootstrap"]
    assert bootdisk.content(ready, vm) == content
    assert all("Iso" not in given for _, given in pcs.made("Get-LabMedia"))
