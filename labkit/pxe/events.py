"""How far each installing machine is, read from dnsmasq's and nginx's logs. Pure: lines in, events out.

A machine is known by what it cannot choose: its MAC in dnsmasq's DHCP lines, its reserved address in all others. What
it says of itself (`/event/<machine>/<stage>`) counts from its own address only, once, and only since it was armed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

from labkit.description.lab import Machine

# In the order in which a machine passes them; `failed` may follow any.
STAGES = ("powered", "dhcp", "loader", "kernel", "kickstart", "installing", "installed", "ssh")
TOLD = ("kickstart", "installing", "installed", "failed")  # by the kickstart itself
LOADERS = ("shimx64.efi", "grubx64.efi", "grub.cfg")

_DNSMASQ = re.compile(r"(?P<time>\w{3} [ \d]\d \d\d:\d\d:\d\d) dnsmasq(?:-\w+)?\[\d+\]: (?P<text>.*)")
_LEASE = re.compile(r"(?:\d+ )?DHCPACK\(\S+\) \S+ (?P<mac>[0-9a-f:]{17})")
_SENT = re.compile(r"sent (?P<path>\S+) to (?P<address>[\d.]+)$")
_PLACE = re.compile(r"(?<![\w.:])(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|\d+(?:\.\d+){3})(?![\w.:])")  # a MAC or an address


@dataclass(frozen=True)
class Line:
    """A line of either log: when, about which machine if any, and what it says."""

    time: float
    machine: str | None
    text: str
    request: dict[str, Any] | None = None  # nginx's, as logged

    @property
    def fetched(self) -> int:
        """Bytes of a file that nginx sent whole or in part; 0 for anything else. dnsmasq tells none of its own."""
        return int(self.request["bytes"]) if self.request and self.request["status"] in (200, 206) else 0


@dataclass(frozen=True)
class Event:
    """A machine reached a stage; `time` in seconds since 1970 by the server's clock, `detail` what it said with it."""

    machine: str
    stage: str
    time: float
    detail: str = ""


class Reader:
    """Makes lines and events of the logs' text for a lab's machines."""

    def __init__(self, machines: Iterable[Machine], now: float, zone: timezone) -> None:
        self._places = {str(machine.mgmt.address): machine.name for machine in machines}
        self._places |= {machine.mgmt.mac: machine.name for machine in machines}
        self._now = datetime.fromtimestamp(now, zone)

    def line(self, text: str) -> Line | None:
        """What a line of either log says; None for one that is cut or another program's."""
        if text.startswith("{"):
            return self._of_nginx(text)
        match = _DNSMASQ.match(text)
        if not match:
            return None
        names = [self._places[place] for place in _PLACE.findall(match["text"]) if place in self._places]
        return Line(self._seconds(match["time"]), names[0] if names else None, match["text"])

    def event(self, text: str) -> Event | None:
        """The event that a line of either log stands for, or None."""
        line = self.line(text)
        return self.event_of(line) if line else None

    def event_of(self, line: Line) -> Event | None:
        """The event that a line stands for, or None."""
        if line.machine is None:
            return None
        return self._told(line, line.machine) if line.request else self._seen(line)

    def _of_nginx(self, text: str) -> Line | None:
        try:
            row = json.loads(text)
            machine = self._places.get(row["client"])
            said = f"{row['method']} {row['uri']} {row['status']} ({row['bytes']} bytes)"
            return Line(float(row["time"]), machine, _installers_line(row["uri"], machine) or said, row)
        except (ValueError, KeyError, TypeError):
            return None

    def _told(self, line: Line, machine: str) -> Event | None:
        """What a machine fetched or told by HTTP, from its own address."""
        row = line.request or {}
        uri = urlsplit(row["uri"])
        if row["method"] != "GET" or row["status"] not in (200, 204):
            return None
        if uri.path == "/rocky/images/pxeboot/vmlinuz":
            return Event(machine, "kernel", line.time)
        words = uri.path.strip("/").split("/")
        if len(words) == 3 and words[:2] == ["event", machine] and words[2] in TOLD:
            said = parse_qs(uri.query)
            return Event(machine, words[2], line.time, said.get("hostkey", said.get("reason", [""]))[0])
        return None

    def _seen(self, line: Line) -> Event | None:
        """What dnsmasq did for a machine."""
        lease = _LEASE.match(line.text)
        if lease:
            machine = self._places.get(lease["mac"])
            return Event(machine, "dhcp", line.time) if machine else None
        sent = _SENT.match(line.text)
        machine = self._places.get(sent["address"]) if sent else None
        if sent is None or machine is None:
            return None
        name = sent["path"].rpartition("/")[2]
        stage = "kernel" if name == "vmlinuz" else "loader" if name in LOADERS else None
        return Event(machine, stage, line.time, name) if stage else None

    def _seconds(self, stamp: str) -> float:
        """dnsmasq writes local time without a year: the latest one that is not in the future."""
        for year in (self._now.year, self._now.year - 1):
            try:
                time = datetime.strptime(f"{year} {stamp}", "%Y %b %d %H:%M:%S").replace(tzinfo=self._now.tzinfo)
            except ValueError:
                continue  # 29 February of another year
            if (time - self._now).days < 1:
                return time.timestamp()
        return self._now.timestamp()


def _installers_line(uri: str, machine: str | None) -> str | None:
    """The line of an installer's log that a machine sent after a failure, as `event log` in its kickstart does."""
    parts = urlsplit(uri)
    if parts.path != f"/event/{machine}/log":
        return None
    return "installer: " + parse_qs(parts.query).get("line", [""])[0]


@dataclass
class Timeline:
    """What one armed machine did since; each stage counts once."""

    machine: str
    armed_at: float
    events: dict[str, Event] = field(default_factory=dict)

    def covers(self, moment: float) -> bool:
        """Whether something that was logged at a time (the server's clock) belongs here."""
        return int(moment) >= int(self.armed_at)  # dnsmasq's clock has whole seconds

    def add(self, event: Event) -> bool:
        """Take an event; return whether it is news."""
        if not self.covers(event.time):
            return False
        if event.stage in self.events or "installed" in self.events or "failed" in self.events:
            return False
        self.events[event.stage] = event
        return True

    @property
    def stage(self) -> str:
        """The furthest stage reached."""
        reached = [stage for stage in STAGES if stage in self.events]
        return reached[-1] if reached else "powered"

    def detail(self, stage: str) -> str | None:
        """What came with a stage, or None when it was not reached."""
        event = self.events.get(stage)
        return event.detail if event else None
