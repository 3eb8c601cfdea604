"""Checkpoints run by PowerShell and by their JSON answers: the same words, the same VMs, the same chains of disks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import HostState, vm_by_name
from rehearsal.tests.contracts.hosts.pair import FOLDER, LAB, NOBODY, Pair, create, look, machine, set_both, two_pcs

pytestmark = pytest.mark.powershell
SYSTEM, DATA = (rf"{FOLDER}\w1\{name}.vhdx" for name in ("system-1f2e3d4c", "data-1f2e3d4d"))


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    """Two PCs with one machine, whose system disk holds something."""
    both = two_pcs(tmp_path, pwsh)
    create(both, machine())
    write(both, "first")
    return both


def drives(pc: HostState) -> dict[str, dict[str, Any]]:
    """What stands in the file of each attached disk, by the disk's kind."""
    vm = vm_by_name(pc.read(), f"{LAB}-w1")
    assert vm
    paths = [drive["path"] for drive in vm["drives"]]
    return {path.rsplit("\\", 1)[1].partition("-")[0]: json.loads(pc.local(path).read_text()) for path in paths}


def contents(pc: HostState, kind: str = "system") -> Path:
    folder = pc.folder.parent.parent / "disks" / str(drives(pc)[kind]["vhd"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "text"


def write(pair: Pair, text: str, kind: str = "system") -> None:
    for pc in (pair.real, pair.told):
        contents(pc, kind).write_text(text)


def read(pair: Pair, kind: str = "system") -> str:
    texts = {contents(pc, kind).read_text() for pc in (pair.real, pair.told)}
    assert len(texts) == 1
    return texts.pop()


def call(pair: Pair, script: str, name: str, vm: str = f"@{LAB}-w1") -> dict[str, Any]:
    asked = [{"name": "w1", "id": vm, "apart": [DATA]}]
    answer: dict[str, Any] = pair.run(script, Lab=LAB, Name=name, Machine=asked)["machines"][0]
    return answer


def test_a_checkpoint_freezes_the_system_disk_and_leaves_the_data_disk_out(pair: Pair) -> None:
    write(pair, "kept", "data")
    assert call(pair, "New-LabCheckpoint", "one")["changed"] == ["checkpoint"]
    (told,) = look(pair)["vms"][0]["detail"]["checkpoints"]
    assert (told["name"], told["disks"]) == ("one", [SYSTEM])
    assert [drives(pair.real)[kind]["type"] for kind in ("system", "data")] == ["Differencing", "Dynamic"]
    write(pair, "second")
    write(pair, "newer", "data")
    set_both(pair, "w1", cpus=1)
    assert call(pair, "Restore-LabCheckpoint", "one")["changed"] == ["restored"]
    assert (read(pair), read(pair, "data")) == ("first", "newer")
    assert look(pair)["vms"][0]["detail"]["cpus"] == 2


def test_a_checkpoint_made_by_hand_is_told_with_the_data_disk_that_it_holds(pair: Pair) -> None:
    asked = [{"name": "w1", "id": f"@{LAB}-w1", "apart": []}]
    assert pair.run("New-LabCheckpoint", Lab=LAB, Name="by hand", Machine=asked)["machines"][0]["error"] is None
    (told,) = look(pair)["vms"][0]["detail"]["checkpoints"]
    assert told["disks"] == [SYSTEM, DATA]


def test_taking_the_same_one_again_changes_nothing(pair: Pair) -> None:
    call(pair, "New-LabCheckpoint", "one")
    assert call(pair, "New-LabCheckpoint", "one")["changed"] == []


def test_forgetting_merges_and_keeps_what_is_there_now(pair: Pair) -> None:
    call(pair, "New-LabCheckpoint", "one")
    write(pair, "second")
    call(pair, "New-LabCheckpoint", "two")
    write(pair, "third")
    assert call(pair, "Remove-LabCheckpoint", "one")["changed"] == ["removed"]
    assert read(pair) == "third"
    call(pair, "Restore-LabCheckpoint", "two")
    assert read(pair) == "second"
    call(pair, "Remove-LabCheckpoint", "two")
    assert read(pair) == "second"
    assert drives(pair.real)["system"]["type"] == "Dynamic"
    assert list(pair.real.drive.rglob("*.avhdx")) == []
    assert call(pair, "Remove-LabCheckpoint", "two")["changed"] == []


def test_a_running_machine_gets_no_checkpoint_and_is_stopped_by_a_restore(pair: Pair) -> None:
    call(pair, "New-LabCheckpoint", "one")
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert call(pair, "New-LabCheckpoint", "two")["error"]["id"].startswith("LabNotOff")
    restored = call(pair, "Restore-LabCheckpoint", "one")
    assert (restored["changed"], restored["state"]) == (["stopped", "restored"], "Off")


def test_what_is_not_there_or_not_ours_is_refused(pair: Pair) -> None:
    assert call(pair, "Restore-LabCheckpoint", "none")["error"]["id"].startswith("LabNoCheckpoint")
    assert call(pair, "New-LabCheckpoint", "one", NOBODY)["error"]["id"].startswith("ObjectNotFound")
    set_both(pair, "w1", notes="mine")
    for script in ("New-LabCheckpoint", "Restore-LabCheckpoint", "Remove-LabCheckpoint"):
        assert call(pair, script, "one")["error"]["id"].startswith("LabNotOurs")
