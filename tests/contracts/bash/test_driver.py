"""labkit.pxe with the real scripts: what the controller believes is what is the case over there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit import keys
from labkit.errors import LabError, MissingError, VerificationError
from labkit.pxe import check, logs, publish, server, setup, status
from labkit.remote import Remote
from labkit.session import Session


class Link:
    """Runs commands in the sandbox, as `labkit.ssh.Link` does on a machine."""

    name = "bootstrap"

    def __init__(self, box: Any) -> None:
        self.box = box

    def execute(self, command: str, data: bytes | None, _timeout_s: float) -> tuple[bytes, bytes, int]:
        result = self.box.shell(command, check=False, data=data or b"")
        return result.stdout.encode(), result.stderr.encode(), result.returncode


@pytest.fixture
def session(sandbox: Any) -> Session:
    """The bootstrap server is the sandbox, with nothing uploaded yet."""
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
    assert "ok: HTTP kickstart of w3" in check.check(session)
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
    with pytest.raises(VerificationError, match=r"1 of \d+ checks .* failed on bootstrap\n  failed: TFTP shimx64.efi"):
        check.check(session)


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
