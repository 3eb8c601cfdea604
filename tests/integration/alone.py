"""Scripts that act in a network namespace of their own, as root, and print what they saw as JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def seen_by(script: Path, *arguments: Path, needs: tuple[str, ...], timeout_s: float = 120) -> dict[str, Any]:
    """Run a script with nothing but its own network; skips the test without root or one of the programs in `needs`."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    for program in needs:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on the PATH")
    command = ["unshare", "--net", sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
