"""The scripts run by PowerShell and their JSON answers: the same words, and the same PC afterwards."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.pc import checkpoints
from rehearsal.hosts.state import HostState, set_vm_state, vm_by_name
from rehearsal.tests.contracts.hosts.pair import (
    FOLDER,
    LAB,
    NOBODY,
    Pair,
    change_both,
    create,
    files,
    look,
    machine,
    mark,
    set_both,
    two_pcs,
    two_pcs_with,
)

pytestmark = pytest.mark.powershell


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    return two_pcs(tmp_path, pwsh)


def test_a_fresh_pc_is_read_alike(pair: Pair) -> None:
    answer = look(pair)
    assert (answer["service"], answer["vms"], answer["iso"]) == ("Running", [], True)


@pytest.mark.parametrize(
    ("hypervisor", "architecture"), [(True, 9), (False, 9), (True, 12)], ids=["suitable", "no hypervisor", "ARM64"]
)
def test_what_can_run_there_is_read_alike(pair: Pair, hypervisor: bool, architecture: int) -> None:
    def change(state: dict[str, Any]) -> None:
        state["hypervisor"] = hypervisor
        state["cpu"]["architecture"] = architecture

    change_both(pair, change)
    host = look(pair)["host"]
    assert (host["hypervisor"], host["architecture"]) == (hypervisor, architecture)


@pytest.mark.parametrize("culture", [{"time_separator": "."}, {"calendar": "ThaiBuddhist"}], ids=["fi-FI", "th-TH"])
def test_times_are_told_in_one_calendar_whatever_the_pcs_own_is(
    tmp_path: Path, pwsh: Path, culture: dict[str, str]
) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine())
    for pc in (pair.real, pair.told):
        checkpoints.take(pc, next(iter(pc.read()["vms"])), "before")
    change_both(pair, lambda state: state.update(culture=culture))
    answer = look(pair)
    now, told = datetime.now(UTC), [answer["host"]["time"], answer["vms"][0]["detail"]["checkpoints"][0]["time"]]
    assert all(abs(now - datetime.fromisoformat(time)) < timedelta(hours=1) for time in told)


def test_a_pc_whose_own_name_is_not_found_is_told_alike(pair: Pair) -> None:
    change_both(pair, lambda state: state.update(hyperv_refuses="name"))
    assert look(pair)["refusal"]["id"] == "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVMHost"


def test_a_machine_is_created_and_read_alike(pair: Pair) -> None:
    assert create(pair, machine())[0]["error"] is None
    detail = look(pair)["vms"][0]["detail"]
    assert [entry["type"] for entry in detail["boot"]] == ["Drive", "Network"]
    assert [adapter["vlan"] for adapter in detail["adapters"]] == [100, 200, 0]


def test_creating_again_changes_nothing(pair: Pair) -> None:
    create(pair, machine())
    before = pair.real.read()
    create(pair, machine(id=f"@{LAB}-w1"))
    assert pair.real.read() == before


def test_adapters_are_repaired_alike(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            adapters = vm_by_name(state, f"{LAB}-w1")["adapters"]  # type: ignore[index]
            adapters[0].update(mac="0200DEADBEEF", switch=None, vlan=None, dhcp_guard=False)
            adapters[1]["name"] = "renamed by hand"
    create(pair, machine(id=f"@{LAB}-w1", do=["adapters"]))
    assert [adapter["name"] for adapter in look(pair)["vms"][0]["detail"]["adapters"]] == [
        "mgmt",
        "external",
        "internal",
    ]


def test_a_lost_vm_gets_its_disks_again(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            state["vms"].clear()
    before = {path: text for path, text in files(pair.real).items() if path.endswith(".vhdx")}
    assert create(pair, machine())[0]["error"] is None
    assert {path: text for path, text in files(pair.real).items() if path.endswith(".vhdx")} == before


def test_a_running_machine_takes_alike_what_needs_no_stop(pair: Pair) -> None:
    create(pair, machine())
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    asked = machine(id=f"@{LAB}-w1", do=["memory", "policy", "identity"], memory_bytes=3 << 30, vm_name="another")
    assert create(pair, asked)[0]["error"] is None


def test_starting_is_answered_alike(pair: Pair) -> None:
    create(pair, machine())
    first = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1", NOBODY])
    assert [one["changed"] for one in first["machines"]] == [["started"], []]
    again = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert again["changed"] is False
    assert pair.run("Start-LabMachine", Lab="lab-0000", Id=[f"@{LAB}-w1"])["machines"][0]["error"]


def test_a_mac_that_runs_already_is_refused_alike(pair: Pair) -> None:
    create(pair, machine("w1"), machine("w2"))
    answer = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1", f"@{LAB}-w2"])
    assert [bool(one["error"]) for one in answer["machines"]] == [False, True]


def test_stopping_is_answered_alike(pair: Pair) -> None:
    create(pair, machine())
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    asked = pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert asked["machines"][0]["error"]["id"] == "InvalidOperation,Microsoft.HyperV.PowerShell.Commands.StopVM"
    cut = pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"], CutPower=True)
    assert cut["machines"][0]["state"] == "Off"
    assert pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])["changed"] is False


def test_a_guest_that_obeys_is_waited_for_alike(pair: Pair) -> None:
    create(pair, machine())
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    set_both(pair, "w1", shutdown_service=True)
    guests = [threading.Thread(target=obey, args=(pc,)) for pc in (pair.real, pair.told)]
    for guest in guests:
        guest.start()
    answer = pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    for guest in guests:
        guest.join()
    assert (answer["machines"][0]["changed"], answer["machines"][0]["state"]) == (["stopped"], "Off")


def obey(pc: HostState) -> None:
    """Be the guest: power off once asked to."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        vm = vm_by_name(pc.read(), f"{LAB}-w1")
        if vm and vm["state"] == "Stopping":
            with pc.change() as state:
                set_vm_state(state, vm["id"], "Off")
            return
        time.sleep(0.05)


def test_a_kept_disk_keeps_its_mark(pair: Pair) -> None:
    create(pair, machine())
    before = look(pair)["disks"]
    kept = machine(id=f"@{LAB}-w1", do=["disks"])
    for disk in kept["disks"]:
        disk["mark"] = ""
    assert create(pair, kept)[0]["error"] is None
    assert look(pair)["disks"] == before


@pytest.mark.parametrize("running", [True, False])
def test_a_reset_gives_a_fresh_disk_alike(pair: Pair, running: bool) -> None:
    create(pair, machine())
    if running:
        pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
        change_both(pair, lambda state: state.update(fails_at_first={"Remove-VMHardDiskDrive": 1}))
    folder = rf"{FOLDER}\w1"
    wanted = {
        "name": "w1",
        "id": f"@{LAB}-w1",
        "folder": folder,
        "discard": [{"path": rf"{folder}\system-1f2e3d4c.vhdx", "mark": mark("1f2e3d4c", "discarded")}],
        "disk": {"path": rf"{folder}\system-0a0a0a0a.vhdx", "size_bytes": 40 << 30, "mark": mark("0a0a0a0a", "system")},
    }
    answer = pair.run("Reset-LabMachine", Lab=LAB, Machine=[wanted])
    assert answer["machines"][0]["changed"] == ["stopped", "disk", "deleted"][not running :]
    assert [disk["mark"]["disk"] for disk in look(pair)["disks"]] == ["1f2e3d4d", "0a0a0a0a"]


@pytest.mark.parametrize("gone", [False, True])
def test_removing_leaves_the_data_disk_alike(pair: Pair, gone: bool) -> None:
    create(pair, machine())
    delete = [rf"{FOLDER}\w1\system-1f2e3d4c.vhdx"]
    wanted = {"name": "w1", "id": f"@{LAB}-w1", "folder": rf"{FOLDER}\w1", "delete": delete}
    if gone:
        for pc in (pair.real, pair.told):
            with pc.change() as state:
                state["vms"].clear()
        wanted["id"] = ""
    else:
        change_both(pair, lambda state: state.update(fails_at_first={"Remove-VM": 1}))
    answer = pair.run("Remove-LabMachine", Lab=LAB, Machine=[wanted])
    assert answer["machines"][0]["changed"] == ["removed", "deleted"][gone:]
    assert [disk["mark"]["kind"] for disk in look(pair)["disks"]] == ["data"]


@pytest.mark.parametrize("name", ["system-1f2e3d4c.vhdx.lab.json", ""], ids=["mark", "folder"])
def test_what_a_removal_has_left_goes_though_it_is_still_open_at_first(pair: Pair, name: str) -> None:
    folder = rf"{FOLDER}\w1"
    for pc in (pair.real, pair.told):
        pc.local(folder).mkdir(parents=True)
        if name:
            pc.local(rf"{folder}\{name}").write_text(mark("1f2e3d4c", "system"), encoding="ascii")
    change_both(pair, lambda state: state.update(fails_at_first={"Remove-Item": 1}))
    wanted = {"name": "w1", "id": "", "folder": folder, "delete": []}
    assert pair.run("Remove-LabMachine", Lab=LAB, Machine=[wanted])["machines"][0]["error"] is None
    assert not pair.real.local(folder).exists()


def test_a_stopped_service_is_told_alike(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            state["services"]["vmms"] = "Stopped"
    assert look(pair)["service"] == "Stopped"
    error = pair.run("New-LabMachine", Lab=LAB, Machine=[machine()])["error"]
    assert error["category"] == "ObjectNotFound"
    wanted = {"name": "w1", "id": NOBODY, "folder": rf"{FOLDER}\w1", "delete": []}
    assert pair.run("Remove-LabMachine", Lab=LAB, Machine=[wanted])["error"]["category"] == "ObjectNotFound"
    for script in ("Start", "Stop"):
        answer = pair.run(f"{script}-LabMachine", Lab=LAB, Id=[NOBODY])
        assert answer["machines"][0]["error"]["category"] == "ObjectNotFound"


def test_a_console_is_shown_alike(pair: Pair) -> None:
    create(pair, machine())
    off = pair.run("Get-LabScreen", Lab=LAB, Id=[f"@{LAB}-w1"])["machines"][0]
    assert off["error"]["id"] == "LabNotRunning"
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    shown = pair.run("Get-LabScreen", Lab=LAB, Id=[f"@{LAB}-w1", NOBODY])["machines"]
    assert (shown[0]["width"], shown[0]["height"], len(shown[0]["image"])) == (64, 48, 64 * 48 * 2 * 4 // 3)
    assert shown[1]["error"]["id"].startswith("ObjectNotFound")


def test_a_console_is_shown_as_it_is_now_and_not_as_at_a_checkpoint(pair: Pair) -> None:
    create(pair, machine())
    pair.run("New-LabCheckpoint", Lab=LAB, Name="one", Machine=[{"name": "w1", "id": f"@{LAB}-w1", "apart": []}])
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    shown = pair.run("Get-LabScreen", Lab=LAB, Id=[f"@{LAB}-w1"])["machines"][0]
    assert (shown["error"], shown["width"], shown["height"]) == (None, 64, 48)
