"""pxe.logs: what dnsmasq and nginx logged, in time order, machine by machine.

The end of a failed installer's log is there too: its kickstart sends that line by line as events.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import datetime

from labkit.description import choice
from labkit.description.lab import Lab
from labkit.errors import ConfigError
from labkit.pxe import server
from labkit.pxe.events import Line, Reader
from labkit.session import Session
from labkit.transport.remote import Remote

NOW = "/var/log/lab/dnsmasq.log /var/log/nginx/lab.jsonl"
# Each behind what logrotate (templates/lab.logrotate.j2) made of it last.
STEPS = " ".join(f"{log}.1 {log}" for log in NOW.split())
PACKAGES = "/var/log/nginx/packages.log"
FOLLOW_S = 7200  # ends a follower over there whose controller vanished


def gather(session: Session, machine: str, lines: str) -> list[str]:
    """The last `lines` lines about one machine, or about all for ''; with the packages that each fetched.

    Raises ConfigError when `lines` is no number, MissingError for a machine that is none.
    """
    if not lines.isdecimal() or int(lines) == 0:
        raise ConfigError(f"--lines takes a number from 1, not {lines!r}", "give a number, such as --lines 50")
    names = set(choice.names(session.lab, machine))
    remote = session.machines.bootstrap()
    records = server.read_records(remote)
    reading = reader(session.lab, records)
    text = remote.sudo(f"cat {STEPS} {PACKAGES} 2>/dev/null", check=False).stdout
    found = [line for raw in text.splitlines() if (line := reading.line(raw)) and line.machine in names]
    found.sort(key=lambda line: line.time)
    return [_shown(line, records) for line in found[-int(lines) :]]


def history(remote: Remote) -> list[str]:
    """Every line so far that may be a step of a machine."""
    return remote.sudo(f"cat {STEPS} 2>/dev/null", check=False).stdout.splitlines()


def follow(remote: Remote) -> Generator[str | None, None, None]:
    """Those and the packages fetched, from the beginning and then as they come; None after each second without one."""
    before = " ".join(f"{log}.1" for log in NOW.split())
    command = f"cat {before} 2>/dev/null; exec timeout {FOLLOW_S} tail -q -n +1 -F {NOW} {PACKAGES} 2>/dev/null"
    with closing(remote.follow(command)) as lines:
        yield from lines


def reader(lab: Lab, records: server.Records) -> Reader:
    return Reader(lab.installed_by_network, records.now, records.zone)


def _shown(line: Line, records: server.Records) -> str:
    time = datetime.fromtimestamp(line.time, records.zone).strftime("%m-%d %H:%M:%S")
    return f"{time} {line.machine or '-':<10} {line.text}"
