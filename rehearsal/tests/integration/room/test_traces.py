"""What is taken for the room's on this computer, and what is somebody else's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.room.layout import Layout
from rehearsal.tests import host

ROOT = Path("/lab here/.rehearsal")
MOUNTINFO = """\
60 1 0:50 / /lab\\040here/.rehearsal/guests/7/root rw - overlay overlay rw
61 1 0:51 / /lab\\040here/.rehearsal-of-another/root rw - overlay overlay rw
62 1 0:52 / /mnt/else rw - tmpfs else rw
"""
LOOPS = """\
{"loopdevices": [
  {"name": "/dev/loop0", "back-file": "/lab here/.rehearsal/disks/a/disk"}, {"name": "/dev/loop1", "back-file": "/x"}
]}
"""


@contextmanager
def sleeper(folder: Path) -> Iterator[int]:
    """A process that works in a folder."""
    words = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_mounts_below_the_rooms_folder_are_its() -> None:
    assert host.mounts(MOUNTINFO, ROOT) == ["/lab here/.rehearsal/guests/7/root"]


def test_loop_devices_over_the_rooms_files_are_its() -> None:
    assert host.loops(LOOPS, ROOT) == ["/dev/loop0"]
    assert host.loops("", ROOT) == []


def test_links_are_known_by_the_rooms_names() -> None:
    names = ["lo", "eth0", "vethc0ffee1", "br-external", "controller", "br-vlan203", "t0a1b2c3d0", "v0a1b2c3d2", "br0"]
    assert host.cables(names) == ["br-external", "controller", "br-vlan203", "t0a1b2c3d0", "v0a1b2c3d2"]


def test_a_process_is_the_rooms_by_where_it_works(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".rehearsal", tmp_path)
    (layout.root / "guests").mkdir(parents=True)
    with sleeper(layout.root / "guests") as mine, sleeper(tmp_path) as theirs:
        seen = [trace.split(":")[0] for trace in host.traces(layout) if trace.startswith("process ")]
    assert f"process {mine}" in seen
    assert f"process {theirs}" not in seen


def test_the_clock_stands_still_against_the_time_since_boot() -> None:
    first = host.clock_offset_s()
    time.sleep(0.05)
    assert abs(host.clock_offset_s() - first) < host.SLEW_S
