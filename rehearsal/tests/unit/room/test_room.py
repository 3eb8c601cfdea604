"""The smaller parts of the room: control groups, name server, base image, containers, power."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from rehearsal.__main__ import main
from rehearsal.room import base, cgroup, command, face, nameserver, notes, room
from rehearsal.room.disk import Disk
from rehearsal.room.errors import RoomError
from rehearsal.room.machine import Container
from rehearsal.room.power import Power, PowerCut

V1 = """\
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""


def test_groups_are_made_where_they_limit_nothing() -> None:
    assert cgroup.hierarchies(V1) == [Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")]
    assert cgroup.hierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n") == [Path("/sys/fs/cgroup")]


def query(name: str, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def test_every_name_is_unknown_at_once() -> None:
    reply = nameserver.answer(query("rocky.example"))
    assert reply is not None
    number, flags, questions, answers, *_ = struct.unpack_from("!6H", reply)
    assert (number, flags & 0xF, questions, answers) == (7, 3, 1, 0)
    assert reply[12:] == query("rocky.example")[12:]


@pytest.mark.parametrize("packet", [b"", b"short", query("a", flags=0x8100), query("rocky.example")[:-3]])
def test_what_is_no_question_gets_no_answer(packet: bytes) -> None:
    assert nameserver.answer(packet) is None


def test_a_hidden_program_lies_at_the_same_path_out_of_sight(tmp_path: Path) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/chronyd").write_text("program")
    base.hide(tmp_path, Path("usr/sbin/chronyd"))
    assert not (tmp_path / "usr/sbin/chronyd").exists()
    assert (tmp_path / "usr/lib/rehearsal/hidden/usr/sbin/chronyd").read_text() == "program"


def test_the_face_is_rockys(tmp_path: Path) -> None:
    (tmp_path / "etc/default").mkdir(parents=True)
    for name, text in (("group", "uucp:x:10:\n"), ("gshadow", "uucp:*::\n"), ("login.defs", ""), ("sysctl.conf", "x")):
        (tmp_path / "etc" / name).write_text(text)
    (tmp_path / "etc/nsswitch.conf").write_text("passwd: files\nhosts: files dns\n")
    face.put_on(tmp_path)
    assert 'ID="rocky"' in (tmp_path / "etc/os-release").read_text()
    assert (tmp_path / "etc/group").read_text() == "wheel:x:10:\n"
    assert (tmp_path / "etc/machine-id").read_text() == ""
    assert not (tmp_path / "etc/sysctl.conf").exists()
    assert "hosts:      files dns myhostname\n" in (tmp_path / "etc/nsswitch.conf").read_text()


def test_the_kernels_modules_are_named_as_modprobe_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "CONFIG_BRIDGE_NETFILTER=y\nCONFIG_OVERLAY_FS=y\nCONFIG_VXLAN=y\nCONFIG_NFSD=m\n# CONFIG_NFS_FS is not set\n"
    monkeypatch.setattr(base, "configuration", lambda release: text)
    monkeypatch.setattr(base, "LOADED", tmp_path / "none")
    assert base.kernel_modules("6.1") == ["br_netfilter", "overlay", "vxlan"]
    (tmp_path / "none").write_text("nfsd 1 0 - Live 0x0\n")
    assert "nfsd" in base.kernel_modules("6.1")


def test_every_note_is_one_sentence() -> None:
    for sentence in [*notes.MACHINES.values(), *notes.ROOM.values(), notes.NAT]:
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_a_machine_may_not_touch_the_shared_clock_or_modules() -> None:
    words = Container("w1", Path("/root-of-w1"), Path("/netns"), "id").boot()
    granted = [word for word in words if word.startswith("--capability")]
    assert granted == ["--capability=CAP_NET_ADMIN"]  # besides nspawn's own, which have neither SYS_TIME nor SYS_MODULE


def test_a_data_disk_is_lent_under_both_its_names() -> None:
    words = Container("s", Path("/r"), Path("/n"), "id", devices=(("/dev/loop3", "/dev/sdb"),)).boot()
    assert [word for word in words if "loop3" in word] == ["--bind=/dev/loop3:/dev/sdb", "--bind=/dev/loop3"]


def test_a_disk_boots_only_once_its_installation_was_finished(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "v-1")
    disk.blank()
    assert not disk.is_installed
    disk.finish({"image": "/cache/image-1"})
    assert disk.is_installed
    assert disk.image == Path("/cache/image-1")
    disk.blank()
    assert not disk.is_installed


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs start without a control group, which only root may make."""

    def words(_name: str, command: Sequence[str | Path]) -> list[str]:
        return [str(word) for word in command]

    monkeypatch.setattr(cgroup, "within", words)


@pytest.mark.usefixtures("plain")
def test_turning_a_machine_off_ends_what_runs_for_it(tmp_path: Path) -> None:
    power = Power("g")
    threading.Timer(0.2, power.cut).start()
    begin = time.monotonic()
    with pytest.raises(PowerCut):
        power.run(["sleep", "30"], tmp_path / "log")
    assert time.monotonic() - begin < 5
    with pytest.raises(PowerCut):
        power.run(["true"], tmp_path / "log")


@pytest.mark.usefixtures("plain")
def test_a_program_tells_how_it_ended_and_what_it_said(tmp_path: Path) -> None:
    assert Power("g").run(["sh", "-c", "cat; echo said; exit 3"], tmp_path / "log", stdin=b"given ") == 3
    assert (tmp_path / "log").read_text() == "given said\n"


@pytest.mark.usefixtures("plain")
def test_a_wait_ends_with_the_power(tmp_path: Path) -> None:
    power = Power("g")
    power.wait(0.01)
    power.cut()
    with pytest.raises(PowerCut):
        power.wait(30)


def test_a_long_program_tells_its_progress_and_loses_no_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "TICK_S", 0.1)
    told: list[str] = []

    def say(line: str) -> None:
        told.append(line)
        if "first" in line:
            (tmp_path / "go on").touch()

    script = "echo first; until [ -e 'go on' ]; do sleep 0.05; done; echo second; exit 4"
    with pytest.raises(RoomError, match=r"(?s)sh ended with 4: first.*second"):
        command.run_telling(["sh", "-c", f"cd '{tmp_path}'; {script}"], say)
    assert any("first" in line for line in told)


def test_a_room_goes_down_once_whoever_uses_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    went_down = threading.Event()
    monkeypatch.setattr(room, "down", lambda _layout: went_down.set())
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        waiting = threading.Thread(target=main, args=(["down", "--after-stdin"],))
        waiting.start()
        assert not went_down.wait(0.2)
        os.close(writing)
        waiting.join(10)
    assert went_down.is_set()
