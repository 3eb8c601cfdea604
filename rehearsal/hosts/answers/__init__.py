"""The JSON answers: what each of the project's scripts would say and do, for a machine without PowerShell.

scripts/powershell/README.md is the contract; a test runs the same scenarios through both and compares what comes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from rehearsal.hosts.answers import changes, read, rollback, screen
from rehearsal.hosts.answers.refusals import RefusedError
from rehearsal.hosts.commands import Answerer
from rehearsal.hosts.state import HostState, Json

SCRIPTS: dict[str, Callable[[HostState, Json], Json]] = {
    "Get-LabHost": read.get_lab_host,
    "New-LabMachine": changes.new_lab_machine,
    "Start-LabMachine": changes.start_lab_machine,
    "Stop-LabMachine": changes.stop_lab_machine,
    "Reset-LabMachine": changes.reset_lab_machine,
    "Remove-LabMachine": changes.remove_lab_machine,
    "Get-LabScreen": screen.get_lab_screen,
    "New-LabCheckpoint": rollback.new_lab_checkpoint,
    "Restore-LabCheckpoint": rollback.restore_lab_checkpoint,
    "Remove-LabCheckpoint": rollback.remove_lab_checkpoint,
}

NOTE = "no PowerShell here: scripts were answered by their JSON contract"


def answerer(state: HostState) -> Answerer:
    """Return what answers a script's call on that PC: stdout (one line of ASCII JSON) and exit code."""

    def answer(script: str | None, stdin: bytes) -> tuple[bytes, int]:
        try:
            result = {**_run(state, script, stdin), "notes": [NOTE]}
            code = 0
        except RefusedError as refusal:
            result = {"error": {**refusal.record(), "script": ""}}
            code = 1
        return json.dumps(result, ensure_ascii=True).encode() + b"\r\n", code

    return answer


def _run(state: HostState, script: str | None, stdin: bytes) -> Json:
    if script not in SCRIPTS:
        message = f"there is no PowerShell here, and no JSON answer for {script or 'a script of unknown text'}"
        raise RefusedError(message, "CommandNotFoundException", "ObjectNotFound")
    return SCRIPTS[script](state, json.loads(stdin.partition(b"\n")[0]))
