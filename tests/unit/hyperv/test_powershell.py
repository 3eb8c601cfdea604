"""The stub, what goes in, what comes out, and errors made into words."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.project import POWERSHELL
from labkit.transport import powershell
from labkit.transport.powershell import (
    PowerShellError,
    answer,
    clixml_text,
    command_line,
    lab_error,
    payload,
    script_text,
)

PWSH = shutil.which(os.environ.get("LAB_PWSH") or "pwsh")
needs_pwsh = pytest.mark.skipif(not PWSH, reason="no pwsh in LAB_PWSH or on the PATH")

AWKWARD = {
    "Text": 'it\'s "quoted" $(Get-Date) `backticks` \\ <&> 한국어 스위치 😀\nsecond line',
    "List": [{"name": "w1", "adapters": [{"vlan": None, "deep": [1, [2, "끝"]]}], "size": 107374182400, "one": ["x"]}],
}
ECHO = "[CmdletBinding()] param([string] $Text, [object[]] $List)\n@{ text = $Text; list = @($List) }\n"


def in_powershell(test: Callable[..., None]) -> Callable[..., None]:
    marked: Callable[..., None] = pytest.mark.powershell(needs_pwsh(test))
    return marked


def run(script: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return send(payload(script, parameters))


def send(stdin: bytes) -> dict[str, Any]:
    encoded = command_line().rpartition(" ")[2]
    finished = subprocess.run(
        [str(PWSH), "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded],
        input=stdin, capture_output=True, timeout=60, check=False,
        env={**os.environ, "PWSH_COMPAT": "5.1"},
    )  # fmt: skip
    assert finished.stdout.isascii()
    assert len(finished.stdout.splitlines()) == 1
    return answer("pc1", "Test", finished.stdout, finished.stderr, finished.returncode)


CMD_LIMIT = 8191  # cmd.exe: "The command line is too long", or a silently truncated one


def test_the_command_line_is_far_below_the_limit_of_cmd_with_the_stub_in_utf16_as_windows_powershell_wants_it() -> None:
    assert len(command_line()) < CMD_LIMIT / 4
    encoded = command_line().rpartition(" ")[2]
    assert base64.b64decode(encoded).decode("utf-16-le").startswith("$ErrorActionPreference='Stop'")


def test_parameters_travel_as_one_ascii_line_before_the_prelude_and_the_script() -> None:
    first, _, rest = payload("line one\nline two\n", AWKWARD).partition(b"\n")
    assert first.isascii()
    assert json.loads(first) == [AWKWARD]
    assert rest.split(b"\f") == [(POWERSHELL / "Lab.ps1").read_bytes(), b"line one\nline two\n"]


@in_powershell
def test_quotes_dollars_backticks_korean_nested_lists_and_lists_of_one_come_back_unchanged() -> None:
    assert run(ECHO, AWKWARD) == {"text": AWKWARD["Text"], "list": AWKWARD["List"]}


@in_powershell
def test_several_scripts_share_a_command_and_each_gets_its_own_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = {"A": "param([string] $Text)\n@{ a = $Text }\n", "B": "param([object[]] $List)\n@{ b = @($List) }\n"}
    scripts["Lab"] = script_text("Lab")
    monkeypatch.setattr(powershell, "script_text", scripts.__getitem__)
    sent = powershell.payload_of_all({"A": {"Text": AWKWARD["Text"]}, "B": {"List": AWKWARD["List"]}})
    assert send(sent) == {"a": AWKWARD["Text"], "b": AWKWARD["List"]}
    assert powershell.payload_of_all({"A": AWKWARD}) == payload(scripts["A"], AWKWARD)


@in_powershell
def test_warnings_do_not_reach_the_answer() -> None:
    script = "Write-Warning 'x' ; Write-Progress -Activity 'y' ; @{ fine = $true }"
    assert run(script, {}) == {"fine": True}


@in_powershell
@pytest.mark.parametrize(
    ("script", "expected_id", "category", "line"),
    [
        ("\n\nGet-Item -LiteralPath nothere", "PathNotFound", "ObjectNotFound", 3),
        ("Write-Error x -ErrorId LabNotOurs -Category PermissionDenied", "LabNotOurs", "PermissionDenied", None),
        ("Get-Nothing", "CommandNotFoundException", "ObjectNotFound", 1),
        ("if (", "ParseException", "NotSpecified", None),
    ],
    ids=["of a cmdlet", "of the script itself", "of a missing command", "of a script that does not parse"],
)
def test_a_terminating_error_carries_id_category_and_line(
    script: str, expected_id: str, category: str, line: int | None
) -> None:
    with pytest.raises(LabError) as caught:
        run(script, {})
    text = str(caught.value)
    assert expected_id in text
    assert category in text
    assert "host pc1" in text
    assert line is None or f"Test.ps1, line {line}]" in text


@in_powershell
@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("Assert-LabMark -VM @{ Name = 'w1'; Notes = 'mine' } -Lab lab-7e57", "Test.ps1, line 3]"),
        ("Invoke-LabApart -VM 1 -Path 'x' -Do { }", "Lab.ps1, line "),
    ],
    ids=["a refusal: where it was asked for", "a cmdlet within the prelude: there"],
)
def test_an_error_is_told_at_its_own_line_of_its_own_file(line: str, place: str) -> None:
    with pytest.raises(LabError) as caught:
        run(f"param()\n\n{line}", {})
    assert f"; {place}" in str(caught.value)
    answered = run(f"Invoke-LabMachine -Machine @{{ id = 1 }} -Do {{\n\n{line}\n}}", {})
    assert f"; {place}" in str(lab_error("pc1", "Test", PowerShellError.of(answered["machines"][0]["error"])))


@pytest.mark.parametrize(
    ("error_id", "category", "kind", "hint"),
    [
        ("LabNotOurs", "PermissionDenied", RefusedError, "mark"),
        ("CommandNotFoundException", "ObjectNotFound", RefusedError, "enable Hyper-V"),
        ("OutOfMemory,Microsoft.HyperV.PowerShell.Commands.StartVM", "FromStdErr", LabError, "memory_mb"),
        (
            "AccessDenied,Microsoft.HyperV.PowerShell.Commands.StartVM",
            "PermissionDenied",
            RefusedError,
            "vm_path",
        ),
        ("AccessDenied,Microsoft.Vhd.PowerShell.Cmdlets.NewVhd", "PermissionDenied", RefusedError, "vm_path"),
        ("AccessDenied,Microsoft.HyperV.PowerShell.Commands.GetVM", "PermissionDenied", RefusedError, "Administrators"),
        ("ObjectInUse,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD", "ResourceBusy", LabError, "release"),
        ("InvalidState,Microsoft.HyperV.PowerShell.Commands.SetVM", "InvalidOperation", RefusedError, "hyperv.status"),
        ("InvalidOperation,Microsoft.HyperV.PowerShell.Commands.StopVM", "InvalidOperation", LabError, "--cut-power"),
        ("SomethingNew", "NotSpecified", LabError, "hyperv.plan"),
    ],
)
def test_class_and_hint_follow_from_id_and_category(
    error_id: str, category: str, kind: type[LabError], hint: str
) -> None:
    error = lab_error("pc2", "New-LabMachine", PowerShellError("무슨 말인지 모름", error_id, category, 7), "w2")
    assert type(error) is kind
    assert hint in str(error.hint)
    assert "host pc2, machine w2: 무슨 말인지 모름" in error.problem
    assert "New-LabMachine.ps1, line 7" in error.problem


def test_a_folder_that_no_disk_can_lie_in_is_named_by_windows_number_for_it() -> None:
    told = lab_error("pc1", "X", PowerShellError("... (0xC03A001A).", "OperationFailed", "NotSpecified"))
    assert "compact /u" in str(told.hint)


def test_the_message_decides_nothing() -> None:
    error = PowerShellError("Access is denied. Not enough memory.", "OperationFailed", "NotSpecified")
    told = lab_error("pc1", "X", error)
    assert type(told) is LabError
    assert "Administrators" not in str(told.hint)


def test_a_mark_of_the_byte_order_does_not_spoil_an_answer() -> None:
    assert answer("pc1", "X", b'\xef\xbb\xbf{"changed": false}\r\n', b"", 0) == {"changed": False}


def test_noise_on_standard_error_does_not_spoil_an_answer() -> None:
    assert answer("pc1", "X", b'{"changed": false}\r\n', b"#< CLIXML <Objs>...", 0) == {"changed": False}


@pytest.mark.parametrize("stdout", [b"", b"The command line is too long.\r\n", b"[1,2]", b'{"torn": '])
def test_no_json_object_is_an_error_that_names_host_and_script(stdout: bytes) -> None:
    with pytest.raises(UnreachableError, match="host pc1: Get-LabHost gave no answer"):
        answer("pc1", "Get-LabHost", stdout, b"", 1)


def test_clixml_is_joined_and_decoded_for_display() -> None:
    text = (
        '#< CLIXML\r\n<Objs><Obj S="progress"><PR N="R"><AV>Preparing</AV></PR></Obj>'
        '<S S="Error">Failed to create _x000D__x000A_</S><S S="Error">the &lt;disk&gt;: The file _x000D__x000A_</S>'
        '<S S="Error">exists. (0x80070050)_x000D__x000A_</S></Objs>'
    )
    assert clixml_text(text) == "Failed to create \r\nthe <disk>: The file \r\nexists. (0x80070050)"


def test_text_that_is_no_clixml_stays_as_it_is() -> None:
    assert clixml_text("plain words\n") == "plain words"
