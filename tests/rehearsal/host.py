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
    namespaces: dict[str, frozenset[int]]
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
            namespaces=_namespaces(),
            named_networks=frozenset(path.name for path in Path("/run/netns").glob("*")),
            mounts=frozenset(" ".join(_mount(line)) for line in _text(PROC / "self/mountinfo").splitlines()),
            loops=frozenset(_loops()),
            links=frozenset(link["ifname"] for link in json.loads(_run("ip", "-json", "link", "show"))),
        )

    def left_behind(self, after: Host) -> list[str]:
        """The command lines of processes that came since this look and are the room's, or are nobody's."""
        new = [pid for pid, _ in after.processes - self.processes if not _is_kernel_thread(pid)]
        return [f"{pid}: {_text(PROC / str(pid) / 'cmdline').replace(chr(0), ' ')}" for pid in new if self._counts(pid)]

    def new_namespaces(self, after: Host) -> list[str]:
        """The namespaces that came since this look and whose processes are the room's, or are nobody's."""
        new = after.namespaces.keys() - self.namespaces.keys()
        return sorted(name for name in new if any(map(self._counts, after.namespaces[name])))

    def _counts(self, pid: int) -> bool:
        """Somebody else on this computer may start programs too: those of a parent that was there before are theirs."""
        return is_of_the_room(pid) or not self._has_parent_of_before(pid)

    def _has_parent_of_before(self, pid: int) -> bool:
        known = {old for old, _ in self.processes} - {1}
        while pid > 1 and pid not in known:
            pid = _parent(pid)
        return pid in known


def is_of_the_room(pid: int) -> bool:
    """Whether a process is in the room's control groups, has its environment, or works in its folder."""
    folder = PROC / str(pid)
    parts = [_bytes(folder / name) for name in ("cgroup", "environ")]
    with suppress(OSError):
        parts.append(bytes((folder / "cwd").readlink()) + b"/")
    return any(mark in part for mark in ROOM_MARKS for part in parts)


def _namespaces() -> dict[str, frozenset[int]]:
    """The namespaces of all processes, such as `net:[4026531840]`, with who is in them."""
    found: dict[str, set[int]] = {}
    for pid in _pids():
        if _is_ended(pid):
            continue
        for kind in NAMESPACES:
            with suppress(OSError):
                found.setdefault(str((PROC / str(pid) / "ns" / kind).readlink()), set()).add(pid)
    return {name: frozenset(pids) for name, pids in found.items()}


def _is_ended(pid: int) -> bool:
    """Whether it is a zombie: it holds nothing any more, and its parent may take its time to look."""
    return _text(PROC / str(pid) / "stat").rpartition(") ")[2][:1] in ("Z", "X", "")


def _sysctls() -> dict[str, str]:
    found = {}
    base = PROC / "sys"
    for folder, folders, names in os.walk(base):
        folders[:] = [name for name in folders if name != "binfmt_misc"]  # looking into it may mount it
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
