"""A stand-in PC, and PowerShell to look at its cmdlets."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts import cmdlets
from rehearsal.hosts.pc import server
from rehearsal.hosts.state import HostState, initial

Ask = Callable[[HostState, str], Any]


@pytest.fixture(scope="session")
def pwsh() -> Path:
    """PowerShell 7; the test is skipped where there is none."""
    found = cmdlets.find_pwsh()
    if found is None:
        pytest.skip("no PowerShell: neither LAB_PWSH nor pwsh on the PATH")
    return found


@pytest.fixture
def pc(tmp_path: Path) -> HostState:
    """A fresh PC: 16 GB, one External switch."""
    state = HostState(tmp_path, "pc1")
    state.make(initial("pc1", address="192.0.2.11"))
    return state


@pytest.fixture(scope="session")
def ask(pwsh: Path) -> Ask:
    """Run PowerShell on a PC with the stand-in cmdlets; the snippet's output comes back through JSON."""
    module = cmdlets.build(pwsh)

    def run(pc: HostState, snippet: str) -> Any:
        script = (
            f"Import-Module '{module}'; $null = New-PSDrive -Name C -PSProvider FileSystem -Root '{pc.drive}'\n"
            f"ConvertTo-Json -InputObject @(& {{ {snippet} }}) -Depth 6 -Compress"
        )
        places = {
            "REHEARSAL_HOST": str(pc.folder), "REHEARSAL_DRIVE": str(pc.drive), "REHEARSAL_MODEL": server.address(),
            "PWSH_COMPAT": "5.1",
        }  # fmt: skip
        done = subprocess.run(
            [str(pwsh), "-NoProfile", "-NonInteractive", "-Command", script],
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
