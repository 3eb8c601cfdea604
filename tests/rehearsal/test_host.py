"""When the room is down, nothing of it is left on the computer, whatever others do there meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from rehearsal.room.command import run
from rehearsal.room.layout import Layout
from rehearsal.tests import host
from tests.rehearsal.conftest import KEEP, Before
from tests.rehearsal.rehearsing import Rehearsal

OTHERS = (("link", "else0"), ("netns", "somebody-else"))


@pytest.fixture(scope="module")
def somebody_else(before: Before, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another program at work on this computer meanwhile, with a process, a namespace, a mount and a link."""
    folder = tmp_path_factory.mktemp("else")
    run(["mount", "-t", "tmpfs", "else", folder])
    for kind, name in OTHERS:  # what a killed test left
        subprocess.run(["ip", kind, "delete", name], capture_output=True, check=False)
    run(["ip", "netns", "add", "somebody-else"])
    run(["ip", "link", "add", "else0", "type", "bridge"])
    # Not a child of this process, as another program's is not; and with no pipe to it that anybody would wait for.
    orphan = 'setsid --fork unshare --net sh -c "echo \\$\\$ > pid; exec sleep 600" > /dev/null 2>&1 < /dev/null'
    subprocess.run(["sh", "-c", orphan], cwd=folder, check=True)
    yield
    os.kill(int((folder / "pid").read_text(encoding="utf-8")), signal.SIGKILL)
    for kind, name in OTHERS:
        run(["ip", kind, "delete", name])
    run(["umount", "--lazy", folder])  # the process may take a moment to end


@pytest.fixture(scope="module")
def during(before: Before, rehearsal: Rehearsal, somebody_else: None) -> list[str]:
    """What is seen of the room while it is up."""
    return host.traces(Layout.default())


@pytest.fixture(scope="module")
def after(during: list[str], rehearsal: Rehearsal) -> list[str]:
    """What is seen of the room once it is down, and its ended processes are reaped."""
    if KEEP:
        pytest.skip("LAB_KEEP_ROOM: the room stays up")
    rehearsal.down()
    return host.left_behind(Layout.default())


@pytest.mark.parametrize("kind", ["process", "control group", "network namespace", "folder"])
def test_a_room_that_is_up_is_seen(during: list[str], kind: str) -> None:
    assert any(trace.startswith(f"{kind} ") for trace in during), during


def test_nothing_of_a_room_that_is_down_is_left(after: list[str]) -> None:
    assert after == []


def test_what_all_share_is_as_it_was(before: Before, after: list[str]) -> None:
    assert host.Kernel.look() == before.kernel


def test_the_clock_was_not_set(before: Before, after: list[str]) -> None:
    assert abs(host.clock_offset_s() - before.clock_offset_s) < host.SLEW_S
