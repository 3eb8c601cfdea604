"""A script that changes something looks first whose it is: of what is not its lab's it changes nothing at all.

Each is run by PowerShell on a PC that carries what it would change, asked once by another lab or for another machine.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.project import POWERSHELL
from labkit.transport.powershell import command_line, payload, script_text
from rehearsal.hosts import answers
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.launch import Launcher
from rehearsal.hosts.state import HostState, Json, initial, set_vm_state, vm_by_name
from rehearsal.tests.contracts.hosts.pair import FOLDER, LAB, localized, machine, mark, run

OTHER = "lab-beef"
VM = f"@{LAB}-w1"
HOME = rf"{FOLDER}\w1"
SYSTEM, DATA, BOOT = (rf"{HOME}\{name}" for name in ("system-1f2e3d4c.vhdx", "data-1f2e3d4d.vhdx", "boot.iso"))
DVD = r"C:\ISO\rocky.iso"
NOWHERE = "http://127.0.0.1:9/rocky.iso"
PLACE = {"network": "mgmt", "switch": "Lab", "vlan": 100, "address": "10.190.86.254", "prefix": 24, "peers": []}
NAT = {"gateway": "172.30.7.1", "prefix": 24, "cidr": "172.30.7.0/24"}
NO_NAT = {"gateway": "", "prefix": 0, "cidr": ""}


@dataclass(frozen=True)
class Case:
    """What a script is asked of its own, which it changes, and of others' things, which it must leave alone."""

    own: Json
    others: dict[str, Json]
    running: bool = False


def by_lab(running: bool = False, **parameters: Any) -> Case:
    return Case({"Lab": LAB, **parameters}, {"another lab": {"Lab": OTHER, **parameters}}, running)


def by_machine(wanted: Json, running: bool = False, **parameters: Any) -> Case:
    """Also asked by the right lab for the right VM, which is another machine than it says."""
    case = by_lab(running, **parameters, Machine=[wanted])
    misnamed = {"Lab": LAB, **parameters, "Machine": [{**wanted, "name": "w2"}]}
    return Case(case.own, {**case.others, "another machine": misnamed}, running)


def out_switch(lab: str, network: Json) -> Json:
    """An Internal switch; its Notes are its mark."""
    notes = json.dumps({"lab": lab, "switch": "Out"}, separators=(",", ":"))
    return {"name": "Out", "type": "Internal", "notes": notes, "adapter_id": "", **network}


def switch(lab: str, network: Json) -> Json:
    return {"Lab": lab, "VirtualSwitch": [out_switch(lab, network)], "Peer": [], "Seconds": 60, "Program": ""}


def removal(lab: str) -> Json:
    return {"Lab": lab, "VirtualSwitch": [{**out_switch(lab, NO_NAT), "id": "@Out"}], "Program": ""}


def reset() -> Json:
    fresh = {"path": rf"{HOME}\system-0a0a0a0a.vhdx", "size_bytes": 40 << 30, "mark": mark("0a0a0a0a", "system")}
    condemned = {"path": SYSTEM, "mark": mark("1f2e3d4c", "discarded")}
    return {"name": "w1", "id": VM, "folder": HOME, "discard": [condemned], "disk": fresh}


APART = {"name": "w1", "id": VM, "apart": [DATA]}
CASES = {
    "New-LabMachine": by_machine(machine(id=VM, do=["identity", "memory"], memory_bytes=2 << 30)),
    "Start-LabMachine": by_lab(Id=[VM]),
    "Stop-LabMachine": by_lab(running=True, Id=[VM], CutPower=True),
    "Reset-LabMachine": by_machine(reset(), running=True),
    "Remove-LabMachine": by_machine({"name": "w1", "id": VM, "folder": HOME, "delete": [SYSTEM]}, running=True),
    "New-LabCheckpoint": by_machine(APART, Name="two"),
    "Restore-LabCheckpoint": by_machine(APART, running=True, Name="one"),
    "Remove-LabCheckpoint": by_machine(APART, Name="one"),
    "Set-LabBootDisk": by_lab(Id=VM, Iso=DVD, Disk=SYSTEM, Path=BOOT, Part=[{"zero": 7}]),
    "Remove-LabBootDisk": by_lab(Id=VM, Path=BOOT),
    "New-LabSwitch": Case(switch(LAB, NAT), {"another lab": switch(OTHER, NAT)}),
    "Remove-LabSwitch": Case(removal(LAB), {"another lab": removal(OTHER)}),
    "Confirm-LabSwitch": by_lab(),
    "Set-LabPath": by_lab(Path=[]),
    "Save-LabMedia": Case({}, {"an image that is there": {"Url": NOWHERE, "Path": DVD, "Seconds": 60}}),
}
CHANGING = sorted(path.stem for path in POWERSHELL.glob("*-Lab*.ps1") if not path.stem.startswith("Get-"))
BY_HAND = ("Enable-LabHost", "Invoke-LabSwitch")  # they belong to a PC, not to a lab
SENT = [script for script in CHANGING if script not in BY_HAND]
OTHERS = [(script, whose) for script in SENT for whose in (CASES[script].others if script in CASES else ["no case"])]


@pytest.fixture(scope="module")
def carrying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a PC that carries one of everything of this lab; tests get copies."""
    root = tmp_path_factory.mktemp("own")
    pc = HostState(root, "pc1")
    pc.make(initial("pc1", address="192.0.2.11"))
    pc.local(DVD).write_text("a DVD")
    making = pc.drive / "Program Files" / "hyperv-k8s-lab" / "switch.json"
    making.parent.mkdir()
    making.write_text(json.dumps({"lab": LAB}), encoding="utf-8-sig")
    tell(pc, "New-LabMachine", {"Lab": LAB, "Machine": [machine()]})
    tell(pc, "New-LabCheckpoint", {"Lab": LAB, "Name": "one", "Machine": [APART]})
    tell(pc, "Set-LabBootDisk", {**CASES["Set-LabBootDisk"].own, "Part": [{"zero": 5}]})
    tell(pc, "New-LabSwitch", switch(LAB, NO_NAT))
    tell(pc, "Set-LabPath", {"Lab": LAB, "Path": [PLACE]})
    return root


def copy(carrying: Path, folder: Path, *, running: bool) -> HostState:
    shutil.copytree(carrying, folder, dirs_exist_ok=True)
    pc = HostState(folder, "pc1")
    if running:
        with pc.change() as state:
            vm = vm_by_name(state, VM[1:])
            assert vm
            set_vm_state(state, vm["id"], "Running")
    return pc


def tell(pc: HostState, script: str, parameters: Json) -> None:
    """Let the JSON answer do it, which does what the script does."""
    answer = answers.SCRIPTS[script](pc, localized(parameters, pc))
    assert not [one for one in answer.get("machines", []) if one["error"]], answer


def ask(pc: HostState, pwsh: Path, text: str, parameters: Json) -> list[str]:
    """Let PowerShell run a script's text; returns the short ids of the errors that it tells."""
    command = Launcher(pc, pwsh, Calls(pc.folder)).start(command_line(), {})
    answer = run(command, payload(text, localized(parameters, pc)))
    told = [answer.get("error"), *(one["error"] for one in answer.get("machines", []))]
    return [error["id"].partition(",")[0] for error in told if error]


def all_of(pc: HostState) -> tuple[Json, dict[str, bytes]]:
    """The PC as it is: its state, and every file."""
    return pc.read(), {str(path): path.read_bytes() for path in pc.drive.rglob("*") if path.is_file()}


@pytest.mark.parametrize("script", [script for script in SENT if script != "Save-LabMedia"])  # it needs a network
def test_of_its_own_it_would_change_something(carrying: Path, tmp_path: Path, script: str) -> None:
    """Otherwise the tests below would hold for a script that is asked for nothing."""
    case = CASES[script]
    pc = copy(carrying, tmp_path, running=case.running)
    before = all_of(pc)
    tell(pc, script, case.own)
    assert all_of(pc) != before


@pytest.mark.powershell
@pytest.mark.parametrize(("script", "whose"), OTHERS)
def test_a_script_that_changes_looks_first_and_changes_nothing_of_others(
    carrying: Path, tmp_path: Path, pwsh: Path, script: str, whose: str
) -> None:
    case = CASES[script]
    pc = copy(carrying, tmp_path, running=case.running)
    before = all_of(pc)
    refusals = ask(pc, pwsh, script_text(script), case.others[whose])
    assert all_of(pc) == before
    assert refusals == ([] if script in ("New-LabSwitch", "Set-LabPath", "Save-LabMedia") else ["LabNotOurs"])


@pytest.mark.powershell
def test_one_that_changes_first_and_looks_then_would_be_seen(carrying: Path, tmp_path: Path, pwsh: Path) -> None:
    look, end = "    Assert-LabMark -VM $vm -Lab $Lab\n", "    $Answer.state ="
    text = script_text("Start-LabMachine")
    assert look in text
    late = text.replace(look, "").replace(end, look + end)
    pc = copy(carrying, tmp_path, running=False)
    before = all_of(pc)
    assert ask(pc, pwsh, late, CASES["Start-LabMachine"].others["another lab"]) == ["LabNotOurs"]
    assert all_of(pc) != before
