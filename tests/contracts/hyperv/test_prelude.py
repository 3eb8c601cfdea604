"""Lab.ps1: what the scripts share stands there alone, and comes with a script that is sent or run by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.project import POWERSHELL
from labkit.transport.powershell import PRELUDE, STUB, command_line, payload_of_all
from rehearsal.hosts.answers import SCRIPTS
from rehearsal.hosts.launch import LINE_LIMIT
from rehearsal.hosts.state import HostState, vm_by_name
from rehearsal.tests.contracts.hosts.conftest import Ask
from rehearsal.tests.contracts.hosts.pair import LAB, machine

TEXT = (POWERSHELL / f"{PRELUDE}.ps1").read_text(encoding="ascii")
FUNCTIONS = re.findall(r"^function ([\w-]+) \{$", TEXT, re.MULTILINE)
LOAD = '\nif ($PSScriptRoot) { . "$PSScriptRoot\\Lab.ps1" }  # run by hand; sent, it came in front\n'
each_script = pytest.mark.parametrize("script", sorted(SCRIPTS))


def text_of(script: str) -> str:
    return (POWERSHELL / f"{script}.ps1").read_text(encoding="ascii")


def test_it_holds_functions_alone_all_with_the_labs_noun() -> None:
    outside = [line for line in TEXT.partition("#>\n")[2].splitlines() if line and not line.startswith((" ", "#", "}"))]
    assert outside == [f"function {name} {{" for name in FUNCTIONS]
    assert all(
        re.fullmatch(r"(Add|Assert|ConvertTo|Get|Invoke|Remove|Start|Test|Wait)-Lab[A-Z]\w+", name)
        for name in FUNCTIONS
    )


def test_each_of_its_functions_is_used_by_more_than_one_script() -> None:
    sent = {script: text_of(script) for script in SCRIPTS} | {"the stub": STUB, "itself": TEXT}
    used = {
        name: [who for who, text in sent.items() if re.search(rf"(?<!function ){name}\b", text)] for name in FUNCTIONS
    }
    assert {name: who for name, who in used.items() if len(who) < 2} == {}


@each_script
def test_nothing_else_reads_notes_or_makes_an_error_record(script: str) -> None:
    text = text_of(script)
    assert not re.search(r"ConvertFrom-Json.*\bNotes\b|\bNotes\b.*ConvertFrom-Json", text)
    assert "CategoryInfo" not in text
    assert "FullyQualifiedErrorId" not in text
    assert "is not of $Lab" not in text


@each_script
def test_a_script_that_needs_it_takes_it_from_its_own_folder_by_hand(script: str) -> None:
    text = text_of(script)
    assert (LOAD in text) is any(name in text for name in FUNCTIONS)
    assert text.count(PRELUDE + ".ps1") == (LOAD in text)


def test_it_travels_in_front_of_the_scripts_and_the_command_line_stays_short() -> None:
    _, texts = payload_of_all({"Get-LabHost": {}, "Get-LabReadiness": {}}).decode("ascii").split("\n", 1)
    assert texts.split("\f") == [TEXT, text_of("Get-LabHost"), text_of("Get-LabReadiness")]
    assert f"'{PRELUDE}.ps1'" in STUB
    assert len(command_line()) < LINE_LIMIT / 4


@pytest.mark.powershell
def test_a_script_runs_by_hand_and_leaves_nothing_in_the_window(ask: Ask, pc: HostState) -> None:
    (pc.drive / "ISO" / "rocky.iso").write_text("a DVD")
    made = SCRIPTS["New-LabMachine"](pc, {"Lab": LAB, "Machine": [machine()]})["machines"][0]
    start = f"& '{POWERSHELL / 'Start-LabMachine.ps1'}' -Id {made['id']} -Lab"
    told, refused, left = ask(
        pc, f"{start} {LAB}; {start} lab-beef; @(Get-Command -Name *-Lab* -CommandType Function).Count"
    )
    assert (told["changed"], told["machines"][0]["changed"]) == (True, ["started"])
    assert refused["machines"][0]["error"]["id"].startswith("LabNotOurs")
    assert Path(refused["machines"][0]["error"]["script"]).name == "Start-LabMachine.ps1"
    assert left == 0
    vm = vm_by_name(pc.read(), f"{LAB}-w1")
    assert vm
    assert vm["state"] == "Running"
