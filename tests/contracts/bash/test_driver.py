"""labkit.pxe with the real scripts: what the controller believes is what is the case over there."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.controller import keys
from labkit.errors import LabError, MissingError, RefusedError, VerificationError
from labkit.pxe import check, foreign, logs, publish, server, setup, status
from labkit.session import Session
from labkit.transport.remote import Remote


class Link:
    """Runs commands in the sandbox, as `labkit.transport.ssh.Link` does on a machine."""

    name = "bootstrap"

    def __init__(self, box: Any) -> None:
        self.box = box
        self.probe: bytes | None = None  # what is found on MGMT, instead of what is really there

    def execute(self, command: str, data: bytes | None, _timeout_s: float) -> tuple[bytes, bytes, int]:
        if self.probe is not None and f"/pxe-probe.sh {foreign.WAIT_S:g}" in command:
            return self.probe, b"", 0
        result = self.box.shell(command, check=False, data=data or b"")
        return result.stdout.encode(), result.stderr.encode(), result.returncode


@pytest.fixture
def session(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The bootstrap server is the sandbox, with nothing uploaded yet."""
    monkeypatch.setattr(foreign, "WAIT_S", 0.5)
    sandbox.shell("rm -rf /opt/lab")
    opened = Session(sandbox.lab)
    keys.ensure_lab_keys(opened.state, sandbox.lab.name, "bootstrap")
    remote = Remote(Link(sandbox))  # type: ignore[arg-type]
    opened.machines = SimpleNamespace(bootstrap=lambda: remote)  # type: ignore[assignment]
    return opened


def test_setting_up_and_publishing_leave_nothing_missing_and_nothing_to_change(session: Session) -> None:
    assert setup.missing(session) == "/opt/lab/scripts/converge.sh on bootstrap is not as described"
    assert setup.set_up(session)
    assert setup.missing(session) is None
    assert publish.missing(session) == "/var/lib/tftpboot/grub.cfg on bootstrap is not as described"
    assert publish.publish(session)
    assert publish.missing(session) is None
    assert setup.set_up(session) == []
    assert publish.publish(session) == []
    rows = check.check(session)
    assert [row for row in rows if not row.passed] == []
    assert "HTTP kickstart of w3" in [row.what for row in rows if row.passed]
    check.require(session, rows)
    assert status.lines(session)[:3] == [
        "services: as described",
        "files: as described",
        "cp1: neither armed nor installed",
    ]


def test_what_is_damaged_by_hand_is_seen_and_put_right(session: Session, sandbox: Any) -> None:
    setup.set_up(session)
    publish.publish(session)
    sandbox.shell("echo '# by hand' >> /etc/nginx/nginx.conf")
    assert setup.missing(session) == "/etc/nginx/nginx.conf on bootstrap is not as described"
    assert setup.set_up(session) == ["/etc/nginx/nginx.conf"]
    sandbox.shell("rm /srv/lab/ks/w2.cfg")
    assert publish.missing(session) == "/srv/lab/ks/w2.cfg on bootstrap is not as described"
    assert publish.publish(session) == ["/srv/lab/ks/w2.cfg"]
    sandbox.shell("rm /run/stub/dnsmasq")
    assert setup.missing(session) == "dnsmasq does not run on bootstrap"


def test_arming_does_not_make_the_published_files_differ(session: Session) -> None:
    setup.set_up(session)
    publish.publish(session)
    remote = session.machines.bootstrap()
    assert server.run(remote, "pxe-arm.sh w1=0a1b2c3d")
    assert publish.missing(session) is None
    records = server.read_records(remote)
    assert records.armed["w1"].disk == "0a1b2c3d"
    assert abs(records.armed["w1"].time - records.now) < 60
    assert "w1: armed for disk 0a1b2c3d" in status.lines(session)


def test_a_scripts_refusal_arrives_with_its_reason(session: Session, sandbox: Any) -> None:
    sandbox.shell("sed -i 's/9.7/10.1/' /tmp/tree/rocky/.treeinfo")
    with pytest.raises(LabError, match=r"the install tree is of release 10.1, rocky.release says 9"):
        setup.set_up(session)


def test_the_check_raises_with_what_failed(session: Session, sandbox: Any) -> None:
    with pytest.raises(MissingError, match="does not serve the network boot yet"):
        check.check(session)
    setup.set_up(session)
    publish.publish(session)
    sandbox.shell("rm /var/lib/tftpboot/shimx64.efi")
    rows = check.check(session)
    assert [row.what for row in rows if not row.passed] == ["TFTP shimx64.efi"]
    with pytest.raises(
        VerificationError, match=r"1 of \d+ checks .* failed on bootstrap\n  TFTP shimx64.efi: curl: \(68\)"
    ):
        check.require(session, rows)


def test_logs_are_gathered_from_both_services_in_time_order(session: Session, sandbox: Any) -> None:
    setup.set_up(session)
    publish.publish(session)
    sandbox.shell("ip address add 10.190.86.13/32 dev mgmt")  # w1's address: its requests come from there
    sandbox.shell("curl -sf --interface 10.190.86.13 -o /dev/null tftp://10.190.86.11/shimx64.efi; sleep 1")
    sandbox.shell("curl -sf --interface 10.190.86.13 http://10.190.86.11/event/w1/kickstart")
    sandbox.shell("curl -sf --interface 10.190.86.13 -o /dev/null http://10.190.86.11/rocky/x.rpm", check=False)
    lines = logs.gather(session, "w1", "50")
    assert [line[15:].split()[:5] for line in lines][-3:] == [
        ["w1", "sent", "/var/lib/tftpboot/shimx64.efi", "to", "10.190.86.13"],
        ["w1", "GET", "/event/w1/kickstart", "204", "(0"],
        ["w1", "GET", "/rocky/x.rpm", "404", lines[-1].split()[-2]],
    ]
    assert logs.gather(session, "cp1", "50") == []
    assert len(logs.gather(session, "w1", "1")) == 1


ROUTER = b"dhcp 192.168.1.1 00:11:22:33:44:55 192.168.1.57\naddress 10.190.86.13 00:11:22:33:44:66\n"


def test_a_foreign_dhcp_server_is_refused_before_ours_starts(session: Session, sandbox: Any) -> None:
    session.machines.bootstrap().link.probe = ROUTER  # type: ignore[attr-defined]
    with pytest.raises(
        RefusedError, match=r"192\.168\.1\.1 \(MAC 00:11:22:33:44:55\) offers 192\.168\.1\.57"
    ) as refused:
        setup.set_up(session)
    assert refused.value.code == 6
    assert "give" in str(refused.value.hint)
    sandbox.shell("test ! -e /run/stub/dnsmasq && test ! -e /etc/dnsmasq.conf")


def test_on_the_lan_itself_its_dhcp_server_is_told_and_refuses_nothing(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    mgmt, internal, external = session.lab.networks
    session.lab = replace(session.lab, networks=(replace(mgmt, vlan=None), internal, external))
    session.machines.bootstrap().link.probe = ROUTER  # type: ignore[attr-defined]
    assert setup.set_up(session)
    assert "on the LAN: 192.168.1.1 (MAC 00:11:22:33:44:55) offers 192.168.1.57" in capsys.readouterr().err


def test_nobody_is_looked_for_while_ours_runs_already(session: Session) -> None:
    setup.set_up(session)
    session.machines.bootstrap().link.probe = ROUTER  # type: ignore[attr-defined]
    assert setup.set_up(session) == []
