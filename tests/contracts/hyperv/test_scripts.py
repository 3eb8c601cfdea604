"""What every .ps1 file promises: help, typed parameters, ASCII, Windows PowerShell 5.1, an answer and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.project import POWERSHELL, ROOT
from labkit.transport.powershell import PRELUDE
from rehearsal.hosts import answers

# Run by a person on the PC, and by its Task Scheduler: no WinRM carries them, and nobody reads an answer.
ON_THEIR_OWN = ("Enable-LabHost", "Invoke-LabSwitch")
SCRIPTS = sorted(path for path in POWERSHELL.glob("*.ps1") if path.stem not in (*ON_THEIR_OWN, PRELUDE))
READ_FIRST = ("Get-LabHost", "Get-LabReadiness")  # in one command, which tells all of a PC
PSLINT = os.environ.get("LAB_PSLINT") or shutil.which("pslint")
READING = [path for path in SCRIPTS if path.stem.startswith("Get-")]
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
each_text = pytest.mark.parametrize("script", [*SCRIPTS, POWERSHELL / f"{PRELUDE}.ps1"], ids=lambda path: path.stem)
each_reading_script = pytest.mark.parametrize("script", READING, ids=lambda path: path.stem)

PARAMETER = re.compile(r"^    (\[Parameter\(Mandatory = \$true\)\] )?\[[\w.]+(\[\])?\] \$\w+,?$")
FORBIDDEN = re.compile(
    r"(?<![\w-])(Write-Host|Write-Output|exit|Invoke-Expression|Read-Host|-AsJob|Set-StrictMode)(?![\w-])"
)
READING_VERBS = ("Get", "ForEach", "Where", "Select", "Test", "ConvertFrom")
HARMLESS = {"Split-Path", "Assert-LabMark", "ConvertTo-LabError", "Invoke-LabMachine", "Start-Sleep", "Write-Error"}
OWN_ID = re.compile(r"-ErrorId (\w+)")


def parts(script: Path) -> tuple[str, str, str]:
    """The help, the param block's lines, and the rest."""
    text = script.read_text(encoding="ascii")
    help_text, _, code = text.partition("#>\n")
    block, _, body = code.partition("\nparam(\n")[2].partition("\n)\n")
    return help_text, block, body


def names(block: str) -> list[str]:
    return [match[1] for match in re.finditer(r"\$(\w+),?$", block, re.MULTILINE)]


def test_each_has_its_answer_without_powershell_and_an_approved_verb_and_the_labs_noun() -> None:
    assert {path.stem for path in SCRIPTS} == set(answers.SCRIPTS)
    assert all(
        re.fullmatch(r"(Confirm|Get|New|Save|Set|Start|Stop|Reset|Remove|Restore)-Lab[A-Z]\w+", path.stem)
        for path in SCRIPTS
    )


@each_text
def test_it_is_ascii_with_line_feeds_and_of_a_size_to_read(script: Path) -> None:
    content = script.read_bytes()
    assert content.isascii()
    assert b"\r" not in content
    assert content.endswith((b"}\n", b"$answer\n"))
    assert len(content.splitlines()) <= (150 if script.stem in (*READ_FIRST, PRELUDE) else 120)


@each_script
def test_the_readme_describes_it_and_its_help_says_every_parameter_with_an_example(script: Path) -> None:
    assert script.name in (POWERSHELL / "README.md").read_text(encoding="utf-8")
    help_text, block, _ = parts(script)
    assert help_text.startswith("<#\n.SYNOPSIS\n")
    assert ".DESCRIPTION\n" in help_text
    assert f".EXAMPLE\n.\\{script.name} -{names(block)[0]} " in help_text
    assert re.findall(r"^\.PARAMETER (\w+)$", help_text, re.MULTILINE) == names(block)


@each_script
def test_it_is_an_advanced_script_whose_every_parameter_is_typed(script: Path) -> None:
    _, block, body = parts(script)
    assert "\n[CmdletBinding()]\nparam(\n" in "\n" + script.read_text(encoding="ascii").partition("#>\n")[2]
    # they ask about no lab
    first = {
        "Get-LabPath": "To", "Get-LabMedia": "Iso", "Get-LabDigest": "Path", "Save-LabMedia": "Url",
        "Get-LabSwitchUse": "VirtualSwitch",
    }  # fmt: skip
    assert names(block)[0] == first.get(script.stem, "Lab")
    assert [line for line in block.splitlines() if not PARAMETER.match(line)] == []
    assert body.startswith("$ErrorActionPreference = 'Stop'\n")


@each_text
def test_it_only_answers(script: Path) -> None:
    assert FORBIDDEN.findall(script.read_text(encoding="ascii")) == []


@each_script
def test_no_variable_has_the_name_of_one_that_powershell_sets_itself(script: Path) -> None:
    """Inside a switch statement $switch is its enumerator: a parameter of that name ended the loop when it was read."""
    _, block, body = parts(script)
    automatic = {"switch", "input", "args", "matches", "foreach", "host", "event", "sender", "error", "pwd", "profile"}
    assigned = {match[1].lower() for match in re.finditer(r"\$(\w+) = ", body)}
    looped = {match[1].lower() for match in re.finditer(r"foreach \(\$(\w+) in", body)}
    assert not automatic & (assigned | looped | {name.lower() for name in names(block)})


@each_text
def test_vms_are_addressed_by_object_never_by_name(script: Path) -> None:
    """Names are patterns and not unique: a call by name acts on every VM that fits."""
    assert "-VMName" not in script.read_text(encoding="ascii")
    assert not re.search(r"(Get|Start|Stop|Remove|Set)-VM -Name", script.read_text(encoding="ascii"))


@each_reading_script
def test_the_reading_script_calls_reading_cmdlets_only(script: Path) -> None:
    used = set(re.findall(r"\b[A-Z][A-Za-z]+-[A-Z]\w+", parts(script)[2].replace("'Microsoft-Hyper-V'", "")))
    assert [name for name in used - HARMLESS if name.partition("-")[0] not in READING_VERBS] == []


@pytest.mark.parametrize("script", READ_FIRST)
def test_the_clock_is_read_when_all_that_takes_long_is_done(script: str) -> None:
    assert "time = [DateTime]::UtcNow" in (POWERSHELL / f"{script}.ps1").read_text(encoding="ascii").splitlines()[-2]


def test_the_readme_lists_every_error_id_of_our_own() -> None:
    ids = {match for path in POWERSHELL.glob("*.ps1") for match in OWN_ID.findall(path.read_text(encoding="ascii"))}
    table = (POWERSHELL / "README.md").read_text(encoding="utf-8").partition("| id | ")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(Lab\w+)` \|", table, re.MULTILINE)) == sorted(ids)


@pytest.mark.powershell
@pytest.mark.skipif(not PSLINT, reason="no pslint in LAB_PSLINT or on the PATH")
def test_windows_powershell_5_1_of_windows_10_would_take_every_script() -> None:
    command = [str(PSLINT), "--strict", "--windows10", str(POWERSHELL)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_a_script_that_reads_is_asked_and_one_that_changes_is_run() -> None:
    """`Hosts.ask` repeats a call that got lost and keeps the facts; `Hosts.run` does neither."""
    calls = [
        (file.name, way, script)
        for file in sorted((ROOT / "labkit").rglob("*.py"))
        for way, script in re.findall(r"\.(ask|run)\(\s*\"(\w+-Lab\w+)\"", file.read_text(encoding="utf-8"))
    ]
    assert {script for _, _, script in calls if script.startswith("Get-")} >= {"Get-LabMedia", "Get-LabSwitch"}
    assert [call for call in calls if (call[1] == "ask") != call[2].startswith("Get-")] == []
