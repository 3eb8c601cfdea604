"""How a command line runs on a stand-in PC: by PowerShell with the stand-in cmdlets, or by the JSON answers."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path

from rehearsal.hosts import answers, cmdlets
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.commands import Answered, Command, Program, Refusal
from rehearsal.hosts.pc import server
from rehearsal.hosts.scheduler import Process, Run, Thread, script_of
from rehearsal.hosts.state import HostState, Json

# cmd.exe takes no longer line, and WinRM starts every command through it.
LINE_LIMIT = 8191

# Runs before the client's own script, on its first line, so that the script's line numbers stay what they are.
PRELUDE = (
    "Import-Module -Name $env:REHEARSAL_CMDLETS; [Rehearsal.Culture]::Take(); "
    "$null = New-PSDrive -Name C -PSProvider FileSystem -Root $env:REHEARSAL_DRIVE -Scope Global; "
)


class Launcher:
    """Starts command lines on one PC."""

    def __init__(self, state: HostState, pwsh: Path | None, calls: Calls) -> None:
        self._state = state
        self._pwsh = pwsh
        self._calls = calls
        self._module = cmdlets.build(pwsh) if pwsh else None

    def start(self, line: str, environment: Mapping[str, str]) -> Command:
        """Run a command line as `cmd.exe /c` would; `environment` is what the shell was opened with."""
        if len(line) > LINE_LIMIT:
            return Refusal("The command line is too long.", self._calls)
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|[^\s"]+', line)]
        program = words[0].lower().removesuffix(".exe") if words else ""
        if program != "powershell":
            text = f"'{program}' is not recognized as an internal or external command,\noperable program or batch file."
            return Refusal(text, self._calls)
        if self._pwsh is None:
            return Answered(answers.answerer(self._state), self._calls)
        arguments = [str(self._pwsh), *prepared(words[1:])]
        return Program(arguments, {**self._environment(), **environment}, self._calls)

    def begin(self, task: Json) -> Run:
        """Run a scheduled task."""
        if self._pwsh is None:
            return Thread(self._state)
        words = [str(self._pwsh), "-NoProfile", "-NonInteractive", "-Command", PRELUDE + script_of(task)]
        return Process(words, self._environment(), self._state.folder / "tasks.log")

    def _environment(self) -> dict[str, str]:
        computer = self._state.read()["computer_name"]
        own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return own | {
            "PWSH_COMPAT": "5.1",
            "COMPUTERNAME": computer,
            "ProgramFiles": "C:\\Program Files",
            "REHEARSAL_CMDLETS": str(self._module),
            "REHEARSAL_HOST": str(self._state.folder),
            "REHEARSAL_DRIVE": str(self._state.drive),
            "REHEARSAL_MODEL": server.address(),
            "NO_COLOR": "1",
        }


def prepared(arguments: list[str]) -> list[str]:
    """Put PRELUDE in front of the script in PowerShell's arguments (-EncodedCommand or -Command, any short form)."""
    result = list(arguments)
    for place, word in enumerate(arguments[:-1]):
        name = word.lower().lstrip("-/")
        if name and ("encodedcommand".startswith(name) or name == "ec"):
            script = base64.b64decode(arguments[place + 1]).decode("utf-16-le")
            result[place + 1] = base64.b64encode((PRELUDE + script).encode("utf-16-le")).decode()
            return result
        if name and "command".startswith(name):
            return [*arguments[: place + 1], PRELUDE + " ".join(arguments[place + 1 :])]
    return result
