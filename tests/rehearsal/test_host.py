"""When the room is down, the computer is as it was before."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import fields

import pytest

from rehearsal.room.command import run
from tests.rehearsal.conftest import KEEP
from tests.rehearsal.host import Host
from tests.rehearsal.rehearsing import ROOT, Rehearsal

SLEW_S = 0.5  # a time service of the host's own may move its clock a little meanwhile
SAME = ("swap", "modules", "sysctls", "named_networks", "mounts", "loops", "links")


@pytest.fixture(scope="module")
def somebody_else(before: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another program of this computer at work meanwhile, with a process, a namespace, a mount and a link of its own."""
    folder = tmp_path_factory.mktemp("else")
    run(["mount", "-t", "tmpfs", "else", folder])
    run(["ip", "netns", "add", "somebody-else"])
    run(["ip", "link", "add", "else0", "type", "bridge"])
    run(["setsid", "--fork", "unshare", "--net", "sh", "-c", 'echo $$ > "$0"; exec sleep 600', folder / "pid"])
    yield
    os.kill(int((folder / "pid").read_text(encoding="utf-8")), signal.SIGKILL)
    run(["ip", "link", "delete", "else0"])
    run(["ip", "netns", "delete", "somebody-else"])
    run(["umount", folder])


@pytest.fixture(scope="module")
def after(before: Host, rehearsal: Rehearsal, somebody_else: None) -> Host:
    if KEEP:
        pytest.skip("LAB_KEEP_ROOM: the room stays up")
    rehearsal.down()
    return _settled(before)


def _settled(before: Host) -> Host:
    """The computer once the ended processes are reaped: until then their pid namespaces are still seen."""
    end = time.monotonic() + 10
    while True:
        now = Host.look()
        if time.monotonic() > end or not (before.new_namespaces(now) or before.left_behind(now)):
            return now
        time.sleep(0.5)


@pytest.mark.parametrize("fact", SAME)
def test_it_is_as_it_was(before: Host, after: Host, fact: str) -> None:
    assert getattr(after, fact) == getattr(before, fact)


def test_every_fact_is_compared() -> None:
    assert {field.name for field in fields(Host)} - {*SAME} == {"clock_offset_s", "processes", "namespaces"}


def test_the_clock_was_not_set(before: Host, after: Host) -> None:
    assert abs(after.clock_offset_s - before.clock_offset_s) < SLEW_S


def test_no_process_of_the_room_is_left(before: Host, after: Host) -> None:
    assert before.left_behind(after) == []


def test_no_namespace_of_the_room_is_left(before: Host, after: Host) -> None:
    assert before.new_namespaces(after) == []


def test_no_file_of_the_room_is_left(after: Host) -> None:
    assert not (ROOT / ".rehearsal").exists()
