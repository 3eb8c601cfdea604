"""Log lines become events: whose they are, when they count, and what is nobody's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.pxe.events import Event, Reader, Timeline
from labkit.pxe.server import parse_records

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
# Recorded: cp1 boots by a GRUB without HTTP, w3 asks for an address. Options that dnsmasq lists again and again stand
# there once, and one line is added: w1 says that cp1 is installed.
BOOT = Path(__file__).parent / "boot.log"


@pytest.fixture
def reader(lab: Lab) -> Reader:
    return Reader(lab.installed_by_network, NOW.timestamp(), UTC)


def nginx(client: str, uri: str, status: int = 204, method: str = "GET") -> str:
    return (
        f'{{"time": 1795448400.250, "client": "{client}", "method": "{method}", "uri": "{uri}", '
        f'"status": {status}, "bytes": 0}}'
    )


def test_a_recorded_boot_gives_each_stage_once_and_in_order(reader: Reader) -> None:
    timeline = Timeline("cp1", armed_at=0)
    taken = [
        event.stage
        for line in BOOT.read_text().splitlines()
        if (event := reader.event(line)) and event.machine == "cp1" and timeline.add(event)
    ]
    assert taken == ["dhcp", "loader", "kernel", "kickstart", "installing", "installed"]
    assert timeline.stage == "installed"
    assert (timeline.detail("installed") or "").startswith("ssh-ed25519 AAAA")


def test_machines_in_one_log_are_told_apart(reader: Reader) -> None:
    events = {(event.machine, event.stage) for line in BOOT.read_text().splitlines() if (event := reader.event(line))}
    assert {stage for machine, stage in events if machine == "w3"} == {"dhcp"}
    assert {machine for machine, _ in events} == {"cp1", "w3"}


def test_an_event_counts_from_the_machines_own_address_only(reader: Reader, lab: Lab) -> None:
    cp1, w1 = lab.machine("cp1").mgmt.address, lab.machine("w1").mgmt.address
    assert reader.event(nginx(str(cp1), "/event/cp1/kickstart")) == Event("cp1", "kickstart", 1795448400.25)
    assert reader.event(nginx(str(w1), "/event/cp1/kickstart")) is None
    assert reader.event(nginx("192.0.2.5", "/event/cp1/kickstart")) is None
    assert reader.event(nginx(str(lab.bootstrap.mgmt.address), "/event/cp1/kickstart")) is None


@pytest.mark.parametrize(
    "line",
    [
        nginx("10.190.86.12", "/event/cp1/joined"),
        nginx("10.190.86.12", "/event/cp1/installed/more"),
        nginx("10.190.86.12", "/event/cp1/kickstart", status=403),
        nginx("10.190.86.12", "/event/cp1/kickstart", method="POST"),
        nginx("10.190.86.12", "/rocky/images/pxeboot/vmlinuz", status=200, method="HEAD"),
        nginx("10.190.86.12", "/rocky/images/pxeboot/vmlinuz", status=404),
        nginx("10.190.86.12", "/event/cp1/kickstart")[:-20],
        "{}",
        '{"time": "soon", "client": "10.190.86.12", "method": "GET", "uri": "/event/cp1/failed", "status": 204}',
        "[1, 2]",
        "",
        "tail: /var/log/lab/dnsmasq.log: file truncated",
        "Nov 23 15:40:01 dnsmasq-dhcp[812]: 77 DHCPDISCOVER(eth0) 02:7e:57:01:00:02",
        "Nov 23 15:40:01 dnsmasq-dhcp[812]: 77 DHCPACK(eth0) 10.190.86.99 52:54:00:12:34:56 cp1",
        "Nov 23 15:40:01 dnsmasq-tftp[812]: failed sending /var/lib/tftpboot/shimx64.efi to 10.190.86.12",
        "Nov 23 15:40:01 dnsmasq-tftp[812]: file /var/lib/tftpboot/revocations.efi not found for 10.190.86.12",
        "Nov 23 15:40:01 dnsmasq-tftp[812]: sent /var/lib/tftpboot/shimx64.efi to 10.190.86.120",
    ],
)
def test_lines_that_are_no_event(reader: Reader, line: str) -> None:
    assert reader.event(line) is None


def test_a_line_of_an_installers_log_is_shown_as_that_and_is_no_event(reader: Reader) -> None:
    sent = nginx("10.190.86.12", "/event/cp1/log?line=anaconda.log%3A%20ERR%20no%20%5Bdisk%5D")
    line = reader.line(sent)
    assert line is not None
    assert line.text == "installer: anaconda.log: ERR no [disk]"
    assert reader.event(sent) is None


def test_an_installers_line_from_another_machines_address_is_shown_as_the_request_that_it_was(reader: Reader) -> None:
    line = reader.line(nginx("10.190.86.13", "/event/cp1/log?line=all%20is%20well"))
    assert line is not None
    assert (line.machine, line.text) == ("w1", "GET /event/cp1/log?line=all%20is%20well 204 (0 bytes)")


@pytest.mark.parametrize(("status", "size"), [(200, 1234), (206, 1234), (404, 0), (304, 0)])
def test_bytes_count_where_a_file_was_sent(reader: Reader, status: int, size: int) -> None:
    line = reader.line(nginx("10.190.86.12", "/rocky/one.rpm", status).replace('"bytes": 0', '"bytes": 1234'))
    assert line is not None
    assert line.fetched == size


def test_a_failure_carries_its_reason(reader: Reader) -> None:
    event = reader.event(nginx("10.190.86.12", "/event/cp1/failed?reason=no%20disk%20of%2040%20GiB"))
    assert event == Event("cp1", "failed", 1795448400.25, "no disk of 40 GiB")


def test_times_of_dnsmasq_are_the_servers_local_time(lab: Lab) -> None:
    seoul = timezone(timedelta(hours=9))
    reader = Reader(lab.installed_by_network, NOW.timestamp(), seoul)
    line = reader.line("Nov 24 00:40:01 dnsmasq-tftp[812]: sent /var/lib/tftpboot/shimx64.efi to 10.190.86.12")
    assert line is not None
    assert datetime.fromtimestamp(line.time, UTC) == datetime(2026, 11, 23, 15, 40, 1, tzinfo=UTC)


def test_a_line_of_december_read_in_january_is_last_years(lab: Lab) -> None:
    reader = Reader(lab.installed_by_network, datetime(2027, 1, 1, 0, 5, tzinfo=UTC).timestamp(), UTC)
    line = reader.line("Dec 31 23:59:58 dnsmasq-tftp[812]: sent /var/lib/tftpboot/shimx64.efi to 10.190.86.12")
    assert line is not None
    assert datetime.fromtimestamp(line.time, UTC).year == 2026


def test_what_happened_before_arming_does_not_count() -> None:
    timeline = Timeline("cp1", armed_at=1000.5)
    assert not timeline.add(Event("cp1", "installed", 999.9, "old"))
    assert timeline.add(Event("cp1", "dhcp", 1000.0))  # dnsmasq has whole seconds
    assert timeline.stage == "dhcp"


def test_a_stage_counts_once_and_nothing_after_the_end() -> None:
    timeline = Timeline("cp1", armed_at=0)
    assert timeline.add(Event("cp1", "installed", 1, "first key"))
    assert not timeline.add(Event("cp1", "installed", 2, "second key"))
    assert not timeline.add(Event("cp1", "failed", 3))
    assert timeline.detail("installed") == "first key"


def test_a_silent_machine_stands_at_powered() -> None:
    assert Timeline("w1", armed_at=0).stage == "powered"


def test_records_are_read_from_one_output() -> None:
    records = parse_records(
        '{"state": "armed", "machine": "w1", "disk": "0a1b2c3d", "time": 1795448400}\n'
        '{"state": "installed", "machine": "cp1", "disk": "ffff0000", "time": 1795448000}\n'
        "10.190.86.12 ssh-ed25519 AAAAC3Nza\n"
        "now 1795448500 -0330\n"
    )
    assert records.armed["w1"].disk == "0a1b2c3d"
    assert records.installed["cp1"].time == 1795448000
    assert records.host_keys == {"10.190.86.12": "ssh-ed25519 AAAAC3Nza"}
    assert records.now == 1795448500
    assert records.zone.utcoffset(None) == -timedelta(hours=3, minutes=30)
