"""What Windows refuses New-LabMachine.ps1: a test a refusal, PowerShell and JSON answer alike, PC and files included.

Every case is a machine of its own in one call, so each also shows that a refused machine keeps nobody else from being
done. Not here, since our calls cannot meet them: MACs, VLANs, sizes and templates that Hyper-V takes for wrong
(labkit derives them, from a configuration that is checked), generation 1, names that are patterns, IDE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import vm_by_name
from rehearsal.tests.contracts.hosts.pair import (
    FOLDER,
    LAB,
    NOBODY,
    Pair,
    change_both,
    create,
    machine,
    set_both,
    two_pcs,
    two_pcs_with,
)

pytestmark = pytest.mark.powershell

HYPERV = "Microsoft.HyperV.PowerShell.Commands"
NEW_VHD = "Microsoft.Vhd.PowerShell.Cmdlets.NewVhd"
PARAMETER = ("InvalidParameter", "InvalidArgument")
NOT_FOUND = ("ObjectNotFound", "ObjectNotFound")
STATE = ("InvalidState", "InvalidOperation")
FAILED = ("OperationFailed", "NotSpecified")
DENIED = ("AccessDenied", "PermissionDenied")
IN_USE = ("ObjectInUse", "ResourceBusy")


@dataclass(frozen=True)
class Case:
    """A machine that is refused. `vm`: what its VM, made before, is like by then; None: it is still to be made."""

    refusal: tuple[str, str]
    cmdlet: str
    asked: dict[str, Any] = field(default_factory=dict)
    vm: dict[str, Any] | None = None
    held: bool = False
    barred: bool = False


def in_state(state: str, step: str, cmdlet: str, **asked: Any) -> Case:
    return Case(STATE, f"{HYPERV}.{cmdlet}", {"do": [step], **asked}, {"state": state})


OTHER_MACS = [
    {"name": name, "mac": f"027E5799000{n}", "switch": "Lab", "vlan": 0, "guard": True}
    for n, name in enumerate(("mgmt", "x"))
]
DISK_ALONE = {"do": ["create", "disks"]}
FULL = [{"id": f"d{n}", "path": rf"C:\Lab\d{n}.vhdx", "controller": 0, "location": n} for n in range(64)]

VALUES = {
    "odd memory": Case(PARAMETER, f"{HYPERV}.SetVM", {"do": ["create", "memory"], "memory_bytes": (4 << 30) + 1}),
    "more processors than the PC has": Case(PARAMETER, f"{HYPERV}.SetVM", {"do": ["create", "cpus"], "cpus": 400}),
    "a drive that is not there": Case(NOT_FOUND, f"{HYPERV}.NewVM", {"do": ["create"], "folder": r"D:\Lab\x"}),
    "an unknown template": Case(
        PARAMETER, f"{HYPERV}.SetVMFirmware", {"do": ["create", "secure_boot"], "template": "Nothing"}
    ),
    "a template after the TPM was used": Case(
        FAILED, f"{HYPERV}.SetVMFirmware", {"do": ["secure_boot"]}, {"tpm_used": True}
    ),
}
FILES = {
    "a missing DVD for a new drive": Case(
        NOT_FOUND, f"{HYPERV}.AddVMDvdDrive", {"do": ["create", "dvd"], "dvd": r"C:\ISO\none.iso"}
    ),
    "a missing DVD for a drive that is there": Case(
        NOT_FOUND, f"{HYPERV}.SetVMDvdDrive", {"do": ["dvd"], "dvd": r"C:\ISO\none.iso"}, {}
    ),
    "a DVD that the host may not read": Case(
        DENIED, f"{HYPERV}.AddVMDvdDrive", {"do": ["create", "dvd"], "dvd": r"C:\ISO\barred.iso"}
    ),
    "a DVD that the host may not read in a drive": Case(
        DENIED, f"{HYPERV}.SetVMDvdDrive", {"do": ["dvd"], "dvd": r"C:\ISO\barred.iso"}, {}
    ),
    "a disk of no size": Case(
        PARAMETER,
        NEW_VHD,
        {**DISK_ALONE, "disks": [{"kind": "system", "path": r"C:\Lab\x\s.vhdx", "size_bytes": 4096, "mark": ""}]},
    ),
    "a disk that somebody has open": Case(
        IN_USE, f"{HYPERV}.AddVMHardDiskDrive", {"do": ["disks"]}, {"drives": []}, held=True
    ),
    "a disk that the host may not read": Case(
        DENIED, f"{HYPERV}.AddVMHardDiskDrive", {"do": ["disks"]}, {"drives": []}, barred=True
    ),
    "no place left for a disk": Case(NOT_FOUND, f"{HYPERV}.AddVMHardDiskDrive", {"do": ["disks"]}, {"drives": FULL}),
}
STATES = {
    "a disk for a saved machine": Case(
        STATE, f"{HYPERV}.AddVMHardDiskDrive", {"do": ["disks"]}, {"state": "Saved", "drives": []}
    ),
    "an adapter for a saved machine": Case(
        STATE, f"{HYPERV}.AddVMNetworkAdapter", {"do": ["adapters"]}, {"state": "Saved", "adapters": []}
    ),
    "an adapter less for a saved machine": in_state("Saved", "adapters", "RemoveVMNetworkAdapter", adapters=OTHER_MACS),
    "dynamic memory of a running machine": Case(
        STATE, f"{HYPERV}.SetVM", {"do": ["memory"]}, {"state": "Running", "dynamic_memory": True}
    ),
    "memory of a saved machine": in_state("Saved", "memory", "SetVM", memory_bytes=2 << 30),
    "memory of a paused machine": in_state("Paused", "memory", "SetVM", memory_bytes=2 << 30),
    **{
        f"{what} of a {state.lower()} machine": in_state(state, step, cmdlet, **asked)
        for state in ("Running", "Saved", "Paused")
        for what, step, cmdlet, asked in (
            ("processors", "cpus", "SetVM", {"cpus": 4}),
            ("Secure Boot", "secure_boot", "SetVMFirmware", {}),
            ("boot order", "boot", "SetVMFirmware", {}),
            ("MAC", "adapters", "SetVMNetworkAdapter", {"adapters": [OTHER_MACS[0]]})
            if state != "Saved"
            else ("dropped adapters", "adapters", "RemoveVMNetworkAdapter", {"adapters": [OTHER_MACS[0]]}),
        )
    },
}
OWNERS = {
    "an id that is gone": Case(("LabNotOurs", "ObjectNotFound"), "", {"id": NOBODY, "do": ["memory"]}),
    "somebody else's VM of that id": Case(
        ("LabNotOurs", "ObjectNotFound"), "", {"do": ["memory"]}, {"notes": "mine", "path": r"D:\x"}
    ),
    "somebody else's VM of that name": Case(
        ("LabNameTaken", "ResourceExists"), "", {"id": ""}, {"notes": "mine", "path": r"D:\x"}
    ),
    "another machine's VM of that name": Case(
        ("LabNameTaken", "ResourceExists"), "", {"id": ""}, {"notes": '{"lab":"lab-0000","machine":"w1"}', "path": "D:"}
    ),
}
CASES = VALUES | FILES | STATES | OWNERS
NAMES = {case: f"m{number}" for number, case in enumerate(CASES)}


def wanted(case: str) -> dict[str, Any]:
    name, asked = NAMES[case], dict(CASES[case].asked)
    if CASES[case].vm is not None:
        asked.setdefault("id", f"@{LAB}-{name}")
    return machine(name, **asked)


def prepared(folder: Path, pwsh: Path, cases: dict[str, Case]) -> Pair:
    """Two PCs with the VMs that these cases need to be there, and the files that they cannot have."""
    there = [case for case in cases if cases[case].vm is not None]
    both = two_pcs_with(folder, pwsh, *(machine(NAMES[case]) for case in there))
    for case in there:
        set_both(both, NAMES[case], **(cases[case].vm or {}))
    for pc in (both.real, both.told):
        (pc.drive / "ISO" / "barred.iso").write_text("not for you")
    system = {case: rf"{FOLDER}\{NAMES[case]}\system-1f2e3d4c.vhdx" for case in cases}
    held = [system[case] for case in cases if cases[case].held]
    barred = [system[case] for case in cases if cases[case].barred]
    change_both(both, lambda state: state.update(held_files=held, barred_files=[*barred, r"C:\ISO\barred.iso"]))
    return both


@pytest.fixture(scope="module")
def answers(pwsh: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The cases of a subject in one call each, and after them a machine that nobody refuses."""
    rows: dict[str, dict[str, Any]] = {}
    for cases in (VALUES, FILES, STATES, OWNERS):
        both = prepared(tmp_path_factory.mktemp("pcs"), pwsh, cases)
        asked = [*map(wanted, cases), machine("last", do=["create", "disks"])]
        rows |= dict(zip([*cases, "last"], create(both, *asked), strict=True))
    return rows


@pytest.mark.parametrize("case", CASES)
def test_a_machine_is_refused_alike(answers: dict[str, dict[str, Any]], case: str) -> None:
    error, expected = answers[case]["error"], CASES[case]
    assert error is not None
    short, _, cmdlet = error["id"].partition(",")
    assert ((short, error["category"]), cmdlet if expected.cmdlet else "") == (expected.refusal, expected.cmdlet)
    assert answers[case]["changed"] == []


def test_the_others_are_done_all_the_same(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["last"]["error"] is None


def test_a_full_drive_refuses_the_disk_and_room_on_it_finishes_the_machine(pwsh: Path, tmp_path: Path) -> None:
    pair = two_pcs(tmp_path, pwsh)
    change_both(pair, lambda state: state["volume"].update(used_bytes=state["volume"]["size_bytes"] - 4096))
    error = create(pair, machine())[0]["error"]
    assert (error["id"], error["category"]) == (f"OperationFailed,{NEW_VHD}", "NotSpecified")
    assert "0x80070070" in error["message"]
    change_both(pair, lambda state: state["volume"].update(used_bytes=0))
    assert create(pair, machine())[0]["error"] is None


def test_a_disk_in_a_running_vm_is_refused(pwsh: Path, tmp_path: Path) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine("w1"), machine("w2"))
    set_both(pair, "w2", state="Running")
    shared = machine("w1", id=f"@{LAB}-w1", do=["disks"], disks=[machine("w2")["disks"][0]])
    error = create(pair, shared)[0]["error"]
    assert (error["id"], error["category"]) == (f"ObjectInUse,{HYPERV}.AddVMHardDiskDrive", "ResourceBusy")
    assert "0x80070020" in error["message"]


@pytest.mark.parametrize("names", [[], ["lab", "LAB"]], ids=["none", "two of one name"])
def test_without_exactly_one_switch_nothing_is_made(pwsh: Path, tmp_path: Path, names: list[str]) -> None:
    pair = two_pcs(tmp_path, pwsh)
    change_both(pair, lambda s: s.update(switches=[{**s["switches"][0], "name": name, "id": NOBODY} for name in names]))
    error = pair.run("New-LabMachine", Lab=LAB, Machine=[machine()])["error"]
    assert error["id"].partition(",")[0] == "LabSwitchMissing"
    assert pair.real.read()["vms"] == {}


def test_a_foreign_vm_of_the_same_name_beside_ours_is_left_alone(pwsh: Path, tmp_path: Path) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine("w1"), machine("w2"))
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            vm_by_name(state, f"{LAB}-w2").update(notes="mine", path=r"D:\x", name=f"{LAB}-w1")  # type: ignore[union-attr]
    before = [vm for vm in pair.real.read()["vms"].values() if vm["notes"] == "mine"]
    create(pair, machine(id=f"@{LAB}-w1", do=["identity", "cpus", "disks"], cpus=1))
    assert [vm for vm in pair.real.read()["vms"].values() if vm["notes"] == "mine"] == before
