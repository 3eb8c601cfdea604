"""A rehearsal leaves the host as it was, also when a machine tries to change it, and also after a crash.

The room comes up with one machine (the bootstrap server), which is told by SSH to switch swap off, load modules, set
sysctls and the clock; then the room is brought down, once properly and once after its processes were killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.lab import Lab
from rehearsal.room import cgroup
from rehearsal.room.layout import CHECKOUT, Layout
from tests.rehearsal import host_facts
from tests.rehearsal.host_facts import HostFacts

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

DAMAGE = (
    "sudo swapoff --all; sudo modprobe --all overlay br_netfilter vxlan; sudo sysctl -w vm.swappiness=1 kernel.panic=9 "
    "net.ipv4.ip_forward=1; sudo date -s 2001-01-01; sudo mkdir -p /srv/x; sudo mount -t tmpfs x /srv/x; "
    "sudo systemctl restart chronyd; sudo ip link add lab0 type bridge; "
    "sudo unshare --net sleep 600 >/dev/null 2>&1 & true"
)


def room(action: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "rehearsal", action, *more]
    return subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=600)


def on_the_bootstrap_server(lab: Lab, command: str) -> subprocess.CompletedProcess[str]:
    options = ["-i", str(CHECKOUT / ".lab" / lab.id / "id_ed25519"), "-o", "BatchMode=yes"]
    options += ["-o", f"UserKnownHostsFile={CHECKOUT / '.lab' / lab.id / 'known_hosts'}"]
    return room("exec", "--", "ssh", *options, f"{lab.machine_user}@{lab.bootstrap.external.address}", command)


@pytest.fixture
def before() -> Iterator[HostFacts]:
    """The host before the room came up, which is brought down whatever happens."""
    if os.geteuid() != 0:
        pytest.skip("a rehearsal needs root")
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here to enter a machine with")
    if (Layout.default().root / "ready").exists():
        pytest.skip("a room is up already, and this test would bring it down")
    yield host_facts.read()
    room("down")


def build(lab: Lab) -> None:
    assert room("up").returncode == 0
    result = room("exec", "--", "inv", "-f", "labs/rehearsal.yaml", "os.bootstrap")
    assert result.returncode == 0, result.stdout + result.stderr
    result = on_the_bootstrap_server(lab, DAMAGE)
    assert result.returncode == 0, result.stdout + result.stderr


def assert_unchanged(before: HostFacts) -> None:
    after = host_facts.read()
    assert after.swap == before.swap
    assert after.modules == before.modules
    differing = {name for name in before.sysctls if after.sysctls.get(name) != before.sysctls[name]}
    assert differing == set()
    assert abs(after.clock - before.clock) < 2
    assert after.processes - before.processes == set()
    assert after.namespaces == before.namespaces
    assert after.mounts == before.mounts
    assert after.loops == before.loops
    assert after.groups == before.groups
    assert not Layout.default().root.exists()


def test_what_machines_do_to_themselves_never_reaches_the_host(before: HostFacts, lab: Lab) -> None:
    build(lab)
    during = host_facts.read()
    assert during.processes - before.processes  # the room really runs here, and this test would see it
    assert (during.swap, during.modules) == (before.swap, before.modules)
    assert during.sysctls["vm/swappiness"] == before.sysctls["vm/swappiness"]
    assert during.mounts - before.mounts <= {"/run/netns", "/run/netns/lab-rehearsal", "/run/netns/lab-controller"}
    result = room("down")
    assert result.returncode == 0, result.stderr
    assert_unchanged(before)
    assert room("down").returncode == 0  # nothing left to do is fine


def test_down_cleans_up_after_a_crash(before: HostFacts, lab: Lab) -> None:
    build(lab)
    for pid in cgroup.members("room"):
        os.kill(pid, signal.SIGKILL)
    Path(Layout.default().ready).unlink()
    result = room("down")
    assert result.returncode == 0, result.stderr
    assert_unchanged(before)
