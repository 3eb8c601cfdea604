"""What a rehearsal must leave alone: the facts of the computer that it runs on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NAMESPACES = ("mnt", "net", "pid", "uts", "ipc", "cgroup")
# Counters among the sysctls, which move by themselves.
COUNTERS = (
    "fs/dentry-state", "fs/file-nr", "fs/inode-nr", "fs/inode-state", "fs/aio-nr", "fs/quota/", "kernel/ns_last_pid",
    "kernel/pty/nr", "kernel/random/", "kernel/perf_event_max_sample_rate", "net/netfilter/nf_conntrack_count",
    "vm/stat_refresh",
)  # fmt: skip
ROOM_MARKS = (b"lab-rehearsal", b"LAB_PASSWORD=rehearsal", b"/.rehearsal/")


@dataclass(frozen=True)
class Host:
    """One look at the computer; two looks are compared field by field."""

    swap: str
    modules: frozenset[str]
    sysctls: dict[str, str]
    clock_offset_s: float
    processes: frozenset[tuple[int, str]]
    namespaces: frozenset[str]
    named_networks: frozenset[str]
    mounts: frozenset[str]
    loops: frozenset[str]
    links: frozenset[str]

    @classmethod
    def look(cls) -> Host:
        return cls(
            swap=_text(PROC / "swaps"),
            modules=frozenset(line.split()[0] for line in _text(PROC / "modules").splitlines()),
            sysctls=_sysctls(),
            clock_offset_s=time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME),
            processes=frozenset((pid, _started(pid)) for pid in _pids()),
            namespaces=frozenset(name for pid in _pids() for name in namespaces_of(pid)),
            named_networks=frozenset(os.listdir("/run/netns")) if Path("/run/netns").exists() else frozenset(),
            mounts=frozenset(" ".join(_mount(line)) for line in _text(PROC / "self/mountinfo").splitlines()),
            loops=frozenset(_loops()),
            links=frozenset(link["ifname"] for link in json.loads(_run("ip", "-json", "link", "show"))),
        )

    def left_behind(self, after: Host) -> list[str]:
        """The command lines of processes that came since this look, and are the room's or live apart from us.

        Somebody else on this computer may start programs too: a new process counts when it carries a mark of the room,
        or when nobody is its parent any more and it lives in a namespace that is not the tests' own.
        """
        ours = namespaces_of(os.getpid())
        found = []
        for pid, _ in after.processes - self.processes:
            apart = _parent(pid) == 1 and not namespaces_of(pid) <= ours
            if not _is_kernel_thread(pid) and (apart or is_of_the_room(pid)):
                found.append(f"{pid}: {_text(PROC / str(pid) / 'cmdline').replace(chr(0), ' ')}")
        return found


def is_of_the_room(pid: int) -> bool:
    """Whether a process is in the room's control groups, has its environment, or works in its folder."""
    folder = PROC / str(pid)
    parts = [_bytes(folder / name) for name in ("cgroup", "environ")]
    with suppress(OSError):
        parts.append(os.readlink(folder / "cwd").encode() + b"/")
    return any(mark in part for mark in ROOM_MARKS for part in parts)


def namespaces_of(pid: int) -> frozenset[str]:
    """The names of a process's namespaces, such as `net:[4026531840]`."""
    found = set()
    for kind in NAMESPACES:
        with suppress(OSError):
            found.add(os.readlink(PROC / str(pid) / "ns" / kind))
    return frozenset(found)


def _sysctls() -> dict[str, str]:
    found = {}
    base = PROC / "sys"
    for folder, _, names in os.walk(base):
        for name in names:
            key = str((Path(folder) / name).relative_to(base))
            if not key.startswith(COUNTERS):
                found[key] = _text(Path(folder) / name)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (proc(5)): the second may contain anything."""
    return _text(PROC / str(pid) / "stat").rpartition(")")[2].split()


def _started(pid: int) -> str:
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _is_kernel_thread(pid: int) -> bool:
    return not _text(PROC / str(pid) / "cmdline")


def _mount(line: str) -> list[str]:
    """Root, mount point, type and source of a line of mountinfo; its numbers say nothing."""
    before, _, after = line.partition(" - ")
    return [*before.split()[3:5], *after.split()[:2]]


def _loops() -> list[str]:
    rows = json.loads(_run("losetup", "--json", "--list", "--output", "NAME,BACK-FILE") or '{"loopdevices": []}')
    return [f"{row['name']} {row['back-file']}" for row in rows["loopdevices"]]


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _text(file: Path) -> str:
    return _bytes(file).decode(errors="replace")


def _bytes(file: Path) -> bytes:
    """A file of /proc; empty when its process ended meanwhile, or the kernel gives it to nobody."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
