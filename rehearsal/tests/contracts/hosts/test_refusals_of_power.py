"""What Windows refuses when machines are started and stopped: a test a refusal, both answers alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.tests.contracts.hosts.pair import FOLDER, LAB, Pair, change_both, machine, set_both, two_pcs_with

pytestmark = pytest.mark.powershell

START = "Microsoft.HyperV.PowerShell.Commands.StartVM"
STOP = "Microsoft.HyperV.PowerShell.Commands.StopVM"
MEMORY = ("OutOfMemory", "FromStdErr")
UNNAMED = ("Unspecified", "NotSpecified")
STATE = ("InvalidState", "InvalidOperation")
DENIED = ("AccessDenied", "PermissionDenied")
ASKS = ("InvalidOperation", "InvalidOperation")
FAILED = ("OperationFailed", "NotSpecified")
NOT_OURS = ("LabNotOurs", "PermissionDenied")


@dataclass(frozen=True)
class Case:
    """A VM that will not start or stop, and how that is refused (None: it is done, at most with a warning)."""

    refusal: tuple[str, str] | None
    code: str = ""
    vm: dict[str, Any] = field(default_factory=dict)
    disk: str = ""


STARTING = {
    "more memory than there is": Case(MEMORY, "0x8007000E", {"memory_bytes": 64 << 30}),
    "a disk that is gone": Case(UNNAMED, "0x80070002", disk="gone"),
    "a disk that somebody has open": Case(UNNAMED, "0x80070020", disk="held"),
    "a disk that the host may not read": Case(DENIED, disk="barred"),
    "a switch that is gone": Case(UNNAMED, vm={"adapters": [
        {"id": "a", "name": "mgmt", "mac": "027E57A10001", "dynamic_mac": False, "switch": "Gone", "vlan": None,
         "dhcp_guard": False, "router_guard": False, "mac_spoofing": False, "addresses": []},
    ]}),
    "a VM that is starting": Case(STATE, vm={"state": "Starting"}),
    "a VM that is stopping": Case(STATE, vm={"state": "Stopping"}),
    "somebody else's VM": Case(NOT_OURS, vm={"notes": "mine"}),
    "a paused VM": Case(None, vm={"state": "Paused"}),
    "a saved VM": Case(None, vm={"state": "Saved"}),
    "a running VM": Case(None, vm={"state": "Running"}),
}  # fmt: skip
STOPPING = {
    "a guest that cannot be asked": Case(ASKS, vm={"state": "Running"}),
    "a guest that refuses": Case(FAILED, vm={"state": "Running", "shutdown_service": True, "guest_refuses": True}),
    "a paused VM": Case(ASKS, vm={"state": "Paused"}),
    "somebody else's VM": Case(NOT_OURS, vm={"state": "Running", "notes": "mine"}),
    "a saved VM": Case(None, vm={"state": "Saved"}),
}
SMALL: dict[str, Any] = {"do": ["create", "identity", "memory", "disks"], "memory_bytes": 64 << 20}


def prepared(folder: Path, pwsh: Path, cases: dict[str, Case]) -> Pair:
    made = [machine(f"m{number}", **SMALL) for number in range(len(cases))]
    for one in made:
        del one["disks"][1]
    pair = two_pcs_with(folder, pwsh, *made)
    for number, case in enumerate(cases.values()):
        set_both(pair, f"m{number}", **case.vm)
        path = rf"{FOLDER}\m{number}\system-1f2e3d4c.vhdx"
        for pc in (pair.real, pair.told):
            if case.disk == "gone":
                pc.local(path).unlink()
        if case.disk in ("held", "barred"):
            change_both(pair, lambda state, case=case, path=path: state.update({f"{case.disk}_files": [path]}))  # type: ignore[misc]
    return pair


def rows(pair: Pair, script: str, cases: dict[str, Case], **more: Any) -> dict[str, dict[str, Any]]:
    """Every case in one call."""
    ids = [f"@{LAB}-m{number}" for number in range(len(cases))]
    return dict(zip(cases, pair.run(script, Lab=LAB, Id=ids, **more)["machines"], strict=True))


@pytest.fixture(scope="module")
def started(pwsh: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return rows(prepared(tmp_path_factory.mktemp("start"), pwsh, STARTING), "Start-LabMachine", STARTING)


@pytest.fixture(scope="module")
def stopped(pwsh: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return rows(prepared(tmp_path_factory.mktemp("stop"), pwsh, STOPPING), "Stop-LabMachine", STOPPING)


def check(row: dict[str, Any], case: Case, cmdlet: str) -> None:
    if case.refusal is None:
        assert row["error"] is None
        return
    short, _, who = row["error"]["id"].partition(",")
    assert (short, row["error"]["category"]) == case.refusal
    assert short.startswith("Lab") or who == cmdlet
    assert case.code in row["error"]["message"]
    assert row["changed"] == []


@pytest.mark.parametrize("case", STARTING)
def test_starting_is_refused_alike(started: dict[str, dict[str, Any]], case: str) -> None:
    check(started[case], STARTING[case], START)


@pytest.mark.parametrize("case", STOPPING)
def test_stopping_is_refused_alike(stopped: dict[str, dict[str, Any]], case: str) -> None:
    check(stopped[case], STOPPING[case], STOP)


def test_a_vm_that_waits_is_resumed_and_one_that_is_saved_goes_on(started: dict[str, dict[str, Any]]) -> None:
    assert [started[case]["state"] for case in ("a paused VM", "a saved VM")] == ["Running", "Running"]
    assert started["a running VM"]["changed"] == []


def test_a_guest_that_did_not_stop_runs_on(stopped: dict[str, dict[str, Any]], pwsh: Path, tmp_path: Path) -> None:
    pair = prepared(tmp_path, pwsh, STOPPING)
    cut = rows(pair, "Stop-LabMachine", STOPPING, CutPower=True)
    assert stopped["a guest that refuses"]["state"] == ""
    assert {case: row["state"] for case, row in cut.items() if not row["error"]} == {
        "a guest that cannot be asked": "Off", "a guest that refuses": "Off", "a paused VM": "Off",
        "a saved VM": "Saved",
    }  # fmt: skip


def test_no_machine_starts_on_a_pc_whose_hypervisor_does_not_run(pwsh: Path, tmp_path: Path) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine(**SMALL))
    change_both(pair, lambda state: state.update(hypervisor=False))
    (row,) = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])["machines"]
    check(row, Case(FAILED, "the hypervisor is not running"), START)


def test_memory_that_lies_scattered_is_the_same_want_under_another_id(pwsh: Path, tmp_path: Path) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine(**SMALL))
    set_both(pair, "w1", memory_bytes=64 << 30)
    change_both(pair, lambda state: state.update(memory_scattered=True))
    error = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])["machines"][0]["error"]
    assert (error["id"], error["category"]) == (f"Unspecified,{START}", "NotSpecified")
    assert "0x800705AA" in error["message"]
