"""pxe.logs: what dnsmasq and nginx logged, in time order, machine by machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from labkit.lab import Lab
from labkit.pxe import server
from labkit.pxe.events import Line, Reader
from labkit.remote import Remote
from labkit.session import Session

STEPS = "/var/log/lab/dnsmasq.log /var/log/nginx/lab.jsonl"
PACKAGES = "/var/log/nginx/packages.log"
FOLLOW_S = 7200  # ends a follower over there whose controller vanished
DEFAULT_LINES = 200


def gather(session: Session, machine: str | None = None, count: int = DEFAULT_LINES) -> list[str]:
    """The last `count` lines about one machine, or about all; with the packages that each fetched."""
    remote = session.machines.bootstrap()
    records = server.read_records(remote)
    reading = reader(session.lab, records)
    text = remote.sudo(f"cat {STEPS} {PACKAGES} 2>/dev/null", check=False).stdout
    lines = [line for raw in text.splitlines() if (line := reading.line(raw)) and _wanted(line, machine)]
    lines.sort(key=lambda line: line.time)
    return [_shown(line, records) for line in lines[-count:]]


def history(remote: Remote) -> list[str]:
    """Every line so far that may be a step of a machine."""
    return remote.sudo(f"cat {STEPS} 2>/dev/null", check=False).stdout.splitlines()


def follow(remote: Remote) -> Iterator[str | None]:
    """The same from the beginning and then as they come; None whenever a second passes without one."""
    with closing(remote.follow(f"exec timeout {FOLLOW_S} tail -q -n +1 -F {STEPS} 2>/dev/null")) as lines:
        yield from lines


def reader(lab: Lab, records: server.Records) -> Reader:
    return Reader(lab.installed_by_network, records.now, records.zone)


def _wanted(line: Line, machine: str | None) -> bool:
    return line.machine is not None and machine in (None, line.machine)


def _shown(line: Line, records: server.Records) -> str:
    time = datetime.fromtimestamp(line.time, records.zone).strftime("%m-%d %H:%M:%S")
    return f"{time} {line.machine or '-':<10} {line.text}"
