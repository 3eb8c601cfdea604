"""What of the developer's own machine a rehearsal must leave alone, read before and after."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Values that change by themselves, whoever runs.
RESTLESS = re.compile(
    r"^(fs/(dentry-state|file-nr|inode-nr|inode-state|quota/)|kernel/(ns_last_pid|pty/nr|random/|perf_event_max_sample_rate"
    r"|sched_domain|tainted)|net/netfilter/nf_conntrack_count|net/ipv4/(neigh|conf)/|net/ipv6/(neigh|conf)/|vm/stat_refresh)"
)
MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True)
class HostFacts:
    """`clock` is the offset of the real-time clock against the monotonic one, in seconds."""

    swap: str
    modules: frozenset[str]
    sysctls: dict[str, str]
    clock: float
    processes: frozenset[str]
    namespaces: frozenset[str]
    mounts: frozenset[str]
    loops: frozenset[str]
    groups: frozenset[str]


def read() -> HostFacts:
    """The machine as it is now, as root sees it."""
    return HostFacts(
        swap=text(Path("/proc/swaps")),
        modules=frozenset(line.split()[0] for line in text(Path("/proc/modules")).splitlines()),
        sysctls=sysctls(),
        clock=time.time() - time.monotonic(),
        processes=processes(),
        namespaces=frozenset(path.name for path in Path("/run/netns").glob("lab-*")),
        mounts=frozenset(filter(is_counted, (line.split()[1] for line in text(MOUNTS).splitlines()))),
        loops=frozenset(str(path) for path in Path("/sys/block").glob("loop*/loop/backing_file")),
        groups=frozenset(str(path) for path in Path("/sys/fs/cgroup").glob("**/lab-rehearsal*")),
    )


def is_counted(place: str) -> bool:
    """Whether a mount is not another test's, whose namespaces come and go beside this one's."""
    return place != "/run/netns" and (not place.startswith("/run/netns/") or place.startswith("/run/netns/lab-"))


def text(path: Path) -> str:
    """The content of a file of the kernel, empty where it cannot be had."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""


def sysctls() -> dict[str, str]:
    root = Path("/proc/sys")
    files = [path for path in root.rglob("*") if path.is_file()]
    names = [str(path.relative_to(root)) for path in files]
    return {name: text(root / name) for name in names if not RESTLESS.match(name)}


def processes() -> frozenset[str]:
    """The processes that a room could have left: guests, their programs, whatever lives in a network of the room."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        words = text(folder / "cmdline").replace("\0", " ")
        if re.search(r"systemd-nspawn|qemu-system|-m rehearsal serve", words):
            found.add(f"{folder.name} {words[:80]}")
    return frozenset(found)
