"""The bootstrap server's scripts and records, as the controller uses them."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone

from labkit import versions
from labkit.transport.remote import Remote

SCRIPTS = "/opt/lab/scripts"
PUBLISH = "/opt/lab/publish"
ENV_FILE = "/opt/lab/pxe.env"
TFTP = "/var/lib/tftpboot"
KICKSTARTS = "/srv/lab/ks"
SCRIPT_TIMEOUT_S = 1200.0  # the first run may fetch packages and an initrd


@dataclass(frozen=True)
class Record:
    """That a machine was armed or installed, for which disk, and when (seconds since 1970, the server's clock)."""

    disk: str
    time: float


@dataclass(frozen=True)
class Records:
    """What the bootstrap server knows of the machines, by name; `host_keys` by address; its offset from UTC."""

    armed: Mapping[str, Record]
    installed: Mapping[str, Record]
    host_keys: Mapping[str, str]
    now: float
    zone: timezone
    read_at: float = field(default_factory=time.monotonic, compare=False)

    def clock(self) -> float:
        """What the server's clock says by now."""
        return self.now + time.monotonic() - self.read_at

    def ago(self, moment: float) -> float:
        """How many seconds ago the server's clock had that time; 0 for one that is still to come."""
        return max(self.clock() - moment, 0.0)


def run(remote: Remote, *lines: str) -> list[str]:
    """Run scripts one after the other (each a name and its arguments); return what they changed.

    Raises LabError with the script's own words where one fails.
    """
    command = " && ".join(f"{SCRIPTS}/{line}" for line in lines)
    output = remote.sudo(command, timeout_s=SCRIPT_TIMEOUT_S).stdout
    return [line.removeprefix("changed: ") for line in output.splitlines() if line.startswith("changed: ")]


def read_records(remote: Remote) -> Records:
    """Read every record in one command; a server that was just set up has none."""
    output = remote.sudo(
        "cat /var/lib/lab/armed/* /var/lib/lab/installed/* /etc/ssh/ssh_known_hosts 2>/dev/null; date '+now %s %z'"
    ).stdout
    return parse_records(output)


def parse_records(text: str) -> Records:
    """Records from JSON lines, known_hosts lines and one line `now <seconds> <offset>`."""
    found: dict[str, dict[str, Record]] = {"armed": {}, "installed": {}}
    host_keys: dict[str, str] = {}
    now, zone = 0.0, timezone.utc  # noqa: UP017 - a timezone object is wanted, of any offset
    for line in text.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            versions.refuse_newer(f"the bootstrap server's record of {row['machine']}", row.get("version"))
            found[row["state"]][row["machine"]] = Record(row["disk"], float(row["time"]))
        elif line.startswith("now "):
            _, seconds, offset = line.split()
            now, zone = float(seconds), _zone(offset)
        elif line.count(" ") == 2:
            address, kind, key = line.split()
            host_keys[address] = f"{kind} {key}"
    return Records(found["armed"], found["installed"], host_keys, now, zone)


def digests(remote: Remote, paths: list[str]) -> dict[str, str]:
    """The SHA-256 of each file that exists over there."""
    names = " ".join(map(shlex.quote, paths))
    output = remote.sudo(f"sha256sum -- {names} 2>/dev/null", check=False).stdout
    rows = (line.split(maxsplit=1) for line in output.splitlines())
    return {path: digest for digest, path in rows}


def differing(remote: Remote, expected: Mapping[str, str | bytes]) -> list[str]:
    """The paths whose content over there is not the expected one."""
    found = digests(remote, list(expected))
    return [path for path, content in expected.items() if found.get(path) != digest(content)]


def digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()


def _zone(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
