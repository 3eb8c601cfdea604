"""A room leaves the host as it was, also when a machine tries to change it, and also after a crash.

The room comes up with one machine (the bootstrap server), which is told by SSH to switch swap off, load modules, set
sysctls and the clock, to reboot and to power itself off; then the room's processes are killed, and it is brought down.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labkit.description.lab import Lab
from rehearsal.hosts.state import HostState, vm_by_name
from rehearsal.room import cgroup
from rehearsal.room.layout import CHECKOUT, Layout
from rehearsal.room.room import OWNER
from rehearsal.tests import host
from tests.rehearsal.rehearsing import dismiss, guard

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
def before() -> Iterator[tuple[host.Kernel, float]]:
    """The host before the room came up, which is brought down whatever happens."""
    if os.geteuid() != 0:
        pytest.skip("a rehearsal needs root")
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here to enter a machine with")
    if (Layout.default().root / "ready").exists():
        pytest.skip("a room is up already, and this test would bring it down")
    emptied = room("down")  # what a killed room left, of any checkout, is not the host's own state
    if emptied.returncode != 0:
        pytest.skip(f"this machine cannot have a room now: {emptied.stderr.strip()}")
    found = (host.Kernel.look(), host.clock_offset_s())
    guarding = guard()
    yield found
    dismiss(guarding)
    room("down")


def state_of(lab: Lab) -> dict[str, Any]:
    """The bootstrap server as its host's Hyper-V sees it."""
    host = HostState(Layout.default().root, lab.bootstrap.host)
    return vm_by_name(host.read(), lab.bootstrap.vm_name) or {}


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"not within 60 s: {what}"
        time.sleep(0.2)


def boot_id(lab: Lab) -> str:
    """Of the boot that answers now, empty while none does."""
    return on_the_bootstrap_server(lab, "cat /proc/sys/kernel/random/boot_id").stdout.strip()


def test_nothing_that_machines_do_reaches_the_host_and_nothing_outlives_the_room(
    before: tuple[host.Kernel, float], lab: Lab
) -> None:
    kernel, clock_offset_s = before
    assert room("up").returncode == 0
    shown = room("fingerprint", "pc1").stdout.strip()
    for words in (("hyperv.trust", "--host", "pc1", "--fingerprint", shown), ("os.bootstrap",)):
        result = room("exec", "--", "inv", "-f", "labs/rehearsal.yaml", *words)
        assert result.returncode == 0, result.stdout + result.stderr
    result = on_the_bootstrap_server(lab, DAMAGE)
    assert result.returncode == 0, result.stdout + result.stderr

    during = host.traces(Layout.default())
    assert any(trace.startswith("process ") for trace in during)  # the room really runs, and would be seen
    assert [trace for trace in during if trace.startswith(("mount ", "loop ", "link "))] == []
    assert host.Kernel.look() == kernel
    assert abs(host.clock_offset_s() - clock_offset_s) < host.SLEW_S

    first = boot_id(lab)
    on_the_bootstrap_server(lab, "sudo reboot")
    until(lambda: boot_id(lab) not in ("", first), "the machine comes back from its reboot")
    assert state_of(lab)["state"] == "Running"
    on_the_bootstrap_server(lab, "sudo poweroff")
    until(lambda: state_of(lab)["state"] == "Off", "the VM of a machine that powered itself off is off")

    OWNER.write_text("/elsewhere\n", encoding="utf-8")
    refused = room("down")
    assert (refused.returncode, "the room of /elsewhere is up on this machine" in refused.stderr) == (1, True)

    for pid in cgroup.members("room"):
        os.kill(pid, signal.SIGKILL)
    result = room("down")
    assert result.returncode == 0, result.stderr
    assert "the room of /elsewhere had been killed" in result.stdout
    assert host.left_behind(Layout.default()) == []
    assert host.Kernel.look() == kernel
    assert abs(host.clock_offset_s() - clock_offset_s) < host.SLEW_S
    assert room("down").returncode == 0  # nothing left to do is fine
