"""What a room may leave on its computer or change there, told by the room's own marks.

Other programs make processes, namespaces and mounts meanwhile: what bears no mark of the room is not looked at.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rehearsal.room import cgroup
from rehearsal.room.layout import CONTROLLER_NETNS, ROOM_NETNS, Layout

PROC = Path("/proc")
# The room's links: bridges, the controller's cable, and a VM's, named by its id (rehearsal/room/network.py, vm.py).
LINK = re.compile(r"br-external|controller|br-vlan\d+|[tv][0-9a-f]{8}\d")
# What the machines of a lab set. (A room itself makes the kernel load overlay, tun and others.)
MODULES = ("br_netfilter",)
SYSCTLS = (
    "kernel/panic", "kernel/panic_on_oops", "net/bridge/bridge-nf-call-ip6tables", "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom", "vm/swappiness",
)  # fmt: skip
SLEW_S = 0.5  # a time service of the computer's own may move its clock a little meanwhile


@dataclass(frozen=True)
class Kernel:
    """What all on this computer share and a machine of the room might set; two looks are compared field by field."""

    swap: frozenset[str]
    modules: frozenset[str]
    sysctls: dict[str, str]

    @classmethod
    def look(cls) -> Kernel:
        loaded = {line.split()[0] for line in _text(PROC / "modules").splitlines()}
        return cls(
            swap=frozenset(line.split()[0] for line in _text(PROC / "swaps").splitlines()[1:]),
            modules=frozenset(loaded.intersection(MODULES)),
            sysctls={name: _text(PROC / "sys" / name) for name in SYSCTLS},
        )


def clock_offset_s() -> float:
    """How far the computer's clock is before the time since its boot: whoever sets the clock changes it."""
    return time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME)


def traces(layout: Layout) -> list[str]:
    """A line for each thing of the room that is on this computer; none once the room is down."""
    links = json.loads(_run("ip", "-json", "link", "show"))
    named = (path.name for path in Path("/run/netns").glob("*"))
    return sorted(
        [
            *(f"process {pid}: {words}" for pid, words in _processes(layout.root)),
            *(f"control group {folder}" for folder in cgroup.folders() if folder.exists()),
            *(f"network namespace {name}" for name in named if name in (ROOM_NETNS, CONTROLLER_NETNS)),
            *(f"mount {place}" for place in mounts(_text(PROC / "self/mountinfo"), layout.root)),
            *(f"loop device {device}" for device in loops(_run("losetup", "--json", "--list"), layout.root)),
            *(f"link {name}" for name in cables(link["ifname"] for link in links)),
            *(f"folder {layout.root}" for _ in range(layout.root.exists())),
        ]
    )


def left_behind(layout: Layout) -> list[str]:
    """The traces of a room that is down, once its ended processes are reaped: until then they are still seen."""
    end = time.monotonic() + 10
    while (left := traces(layout)) and time.monotonic() < end:
        time.sleep(0.5)
    return left


def mounts(mountinfo: str, root: Path) -> list[str]:
    """The mount points below the room's folder (proc_pid_mountinfo(5)); blanks in them are octal there."""
    points = (line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines())
    return [point for point in points if _is_below(point, root)]


def loops(listed: str, root: Path) -> list[str]:
    """The loop devices over the room's files; `listed` is losetup's JSON, which is nothing where there are none."""
    devices = json.loads(listed or "{}").get("loopdevices", [])
    return [str(row["name"]) for row in devices if _is_below(str(row["back-file"]), root)]


def cables(names: Iterable[str]) -> list[str]:
    """The links that are the room's, among the names of those of this computer's own network namespace."""
    return [name for name in names if LINK.fullmatch(name)]


def _processes(root: Path) -> Iterator[tuple[int, str]]:
    """The processes in the room's control groups, or with their root, program or folder below the room's."""
    members = cgroup.members()
    for pid in sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()):
        if pid in members or any(_is_below(place, root) for place in _places(pid)):
            yield pid, _text(PROC / str(pid) / "cmdline").replace("\0", " ")[:120]


def _places(pid: int) -> Iterator[str]:
    for name in ("root", "cwd", "exe"):
        with suppress(OSError):  # it ended meanwhile, or is the kernel's
            yield str((PROC / str(pid) / name).readlink())


def _is_below(path: str, root: Path) -> bool:
    return path == str(root) or path.startswith(f"{root}/")


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""
