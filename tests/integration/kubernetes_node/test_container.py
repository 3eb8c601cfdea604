"""What a container of the stand-in runtime sees of the machine that it runs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.kubernetes.node import launch

# A machine for the length of one command: what it has in /run is lost with the namespace.
MACHINE = f"""\
mount -t tmpfs run /run
mkdir /run/rehearsal
echo 'br_netfilter 16384 0 - Live 0x0' > {launch.MODULES}
echo secret > /run/rehearsal/other
exec unshare --mount --pid --fork --kill-child --ipc "$@"
"""


@pytest.fixture
def said(tmp_path: Path) -> str:
    if os.geteuid() != 0:
        pytest.skip("a container needs root")
    script = f"cat {launch.MODULES}; ls /run/rehearsal; echo more >> {launch.MODULES} || echo read-only"
    spec = {
        "scratch": "/run/scratch", "layers": [], "mounts": [], "pidFile": str(tmp_path / "pid"),
        "command": ["/bin/sh", "-c", script], "env": {"PATH": os.environ["PATH"]},
    }  # fmt: skip
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    container = [sys.executable, "-I", "-S", launch.__file__, str(file)]
    words = ["unshare", "--mount", "sh", "-euc", MACHINE, "machine", *container]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=20).stdout


def test_it_sees_which_modules_its_machine_has_and_nothing_else_of_the_stand_ins(said: str) -> None:
    assert said.splitlines() == ["br_netfilter 16384 0 - Live 0x0", "modules", "read-only"]
