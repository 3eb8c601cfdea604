"""The NAT of a PC that the room plays: real packets, translated by the kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("nat_once.py")


def test_behind_nat_the_pc_is_seen_on_both_sides_and_without_it_nobody_gets_out() -> None:
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    if shutil.which("nft") is None:
        pytest.skip("no nft on the PATH")
    command = ["unshare", "--net", sys.executable, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"machine": "198.51.100.1", "controller": "192.0.2.11", "without": "nobody"}
