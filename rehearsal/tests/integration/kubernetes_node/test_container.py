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


def run(folder: Path, script: str, denied: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script in a container of a machine of its own, and wait for its end."""
    if os.geteuid() != 0:
        pytest.skip("a container needs root")
    spec = {
        "scratch": "/run/scratch", "layers": [], "mounts": [], "pidFile": str(folder / "pid"), "denied": denied,
        "command": ["/bin/sh", "-c", script], "env": {"PATH": os.environ["PATH"]},
    }  # fmt: skip
    file = folder / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    container = [sys.executable, "-I", "-S", launch.__file__, str(file)]
    words = ["unshare", "--mount", "sh", "-euc", MACHINE, "machine", *container]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=20)


def test_it_sees_which_modules_its_machine_has_and_nothing_else_of_the_stand_ins(tmp_path: Path) -> None:
    script = f"cat {launch.MODULES}; ls /run/rehearsal; echo more >> {launch.MODULES} || echo read-only"
    said = run(tmp_path, script).stdout
    assert said.splitlines() == ["br_netfilter 16384 0 - Live 0x0", "modules", "read-only"]


def test_what_selinux_would_deny_ends_it(tmp_path: Path) -> None:
    ended = run(tmp_path, "echo works", "open /var/lib/etcd: permission denied")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "open /var/lib/etcd: permission denied\n")
