"""The JSON answers: what each of the project's scripts would say and do, for a machine without PowerShell.

scripts/powershell/README.md is the contract; a test runs the same scenarios through both and compares what comes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rehearsal.hosts.answers import bootdisk, changes, media, paths, read, readiness, rollback, screen, switches
from rehearsal.hosts.commands import Answerer
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

SCRIPTS: dict[str, Callable[[HostState, Json], Json]] = {
    "Get-LabHost": read.get_lab_host,
    "Get-LabReadiness": readiness.get_lab_readiness,
    "New-LabMachine": changes.new_lab_machine,
    "Start-LabMachine": changes.start_lab_machine,
    "Stop-LabMachine": changes.stop_lab_machine,
    "Reset-LabMachine": changes.reset_lab_machine,
    "Remove-LabMachine": changes.remove_lab_machine,
    "Get-LabScreen": screen.get_lab_screen,
    "Get-LabMedia": media.get_lab_media,
    "Save-LabMedia": media.save_lab_media,
    "Get-LabDigest": media.get_lab_digest,
    "Set-LabBootDisk": bootdisk.set_lab_boot_disk,
    "Remove-LabBootDisk": bootdisk.remove_lab_boot_disk,
    "New-LabCheckpoint": rollback.new_lab_checkpoint,
    "Restore-LabCheckpoint": rollback.restore_lab_checkpoint,
    "Remove-LabCheckpoint": rollback.remove_lab_checkpoint,
    "New-LabSwitch": switches.new_lab_switch,
    "Get-LabSwitch": switches.get_lab_switch,
    "Get-LabSwitchUse": switches.get_lab_switch_use,
    "Remove-LabSwitch": switches.remove_lab_switch,
    "Confirm-LabSwitch": switches.confirm_lab_switch,
    "Set-LabPath": paths.set_lab_path,
    "Get-LabPath": paths.get_lab_path,
}

NOTE = "no PowerShell here: scripts were answered by their JSON contract"


def answerer(state: HostState) -> Answerer:
    """Return what answers a command's scripts on that PC: stdout (one line of ASCII JSON) and exit code."""

    def answer(scripts: Sequence[str | None], stdin: bytes) -> tuple[bytes, int]:
        calls = zip(scripts, json.loads(stdin.partition(b"\n")[0]), strict=True)
        try:
            result: Json = {"notes": [NOTE]}
            for script, parameters in calls:
                result |= _run(state, script, parameters)
            code = 0
        except RefusedError as refusal:
            result = {"error": {**refusal.record(), "script": ""}}
            code = 1
        return json.dumps(result, ensure_ascii=True).encode() + b"\r\n", code

    return answer


def _run(state: HostState, script: str | None, parameters: Json) -> Json:
    if script not in SCRIPTS:
        message = f"there is no PowerShell here, and no JSON answer for {script or 'a script of unknown text'}"
        raise RefusedError(message, "CommandNotFoundException", "ObjectNotFound")
    return SCRIPTS[script](state, parameters)
