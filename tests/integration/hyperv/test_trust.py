"""HTTPS with the one certificate that was trusted: real TLS, real NTLM, real pywinrm."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.errors import ConsentError, MissingError, UnreachableError
from labkit.hyperv import trust
from labkit.session import Session
from labkit.transport.winrm import DroppedError
from rehearsal.hosts import certificate
from rehearsal.hosts.endpoint import serve

pytestmark = pytest.mark.network
PASSWORD = "mellon"
ELSEWHERE = "127.0.0.2"
Pc = Callable[..., AbstractContextManager[Session]]


def made(path: Path) -> Path:
    """The certificate of a PC that is at 192.0.2.11 in its room, and at 127.0.0.1 for itself."""
    return certificate.of_pc(path, "PC1", "192.0.2.11")


@pytest.fixture
def pc(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pc:
    """Serve one PC with a certificate; gives the session of a lab on it."""
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    monkeypatch.setattr(StateDir, "of", lambda _: StateDir(tmp_path / ".lab"))

    @contextmanager
    def running(pem: Path, at: str = "127.0.0.1") -> Any:
        endpoint = serve("pc1", at, 0, tmp_path, "lab", PASSWORD, None, pem)
        endpoint.start()
        host = replace(lab.hosts[0], address=at, scheme="https", port=endpoint.port)
        try:
            yield Session(replace(lab, hosts=(host,)))
        finally:
            endpoint.stop()

    return running


@pytest.fixture
def served(pc: Pc, tmp_path: Path) -> Iterator[Session]:
    """The session of a lab on one PC that shows its certificate; nobody trusts it yet."""
    with pc(made(tmp_path / "one.pem")) as session:
        yield session


def trusted(session: Session) -> None:
    (offer,) = trust.fetch(session, session.lab.hosts)
    trust.agree(offer, offer.fingerprint)
    assert trust.keep(session, offer)


def test_a_host_is_read_over_tls_once_it_is_trusted_and_not_before(served: Session) -> None:
    with pytest.raises(MissingError, match="trusted yet"):
        served.hosts.read()
    trusted(served)
    assert served.hosts.read()["pc1"].answers
    (offer,) = trust.fetch(served, served.lab.hosts)
    assert offer.is_known


def test_another_certificate_is_refused(pc: Pc, tmp_path: Path) -> None:
    with pc(made(tmp_path / "one.pem")) as session:
        trusted(session)
    with (
        pc(made(tmp_path / "two.pem")) as session,
        pytest.raises(UnreachableError, match="not the one that was trusted") as caught,
    ):
        session.hosts.read()
    assert PASSWORD not in str(caught.value)
    assert "hyperv.trust" in str(caught.value.hint)


def test_a_certificate_for_another_address_is_refused(pc: Pc, tmp_path: Path) -> None:
    with pc(made(tmp_path / "one.pem"), ELSEWHERE) as session:
        trusted(session)
        with pytest.raises(UnreachableError, match=r"does not name 127\.0\.0\.2"):
            session.hosts.read()


class Leaver(threading.Thread):
    """A service on its way down: it takes connections, hears a greeting, and hangs up without TLS's own farewell."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])

    def run(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                connection, _ = self.socket.accept()
                connection.recv(4096)
                connection.close()


def test_a_connection_lost_within_tls_is_no_matter_of_the_certificate(served: Session, tmp_path: Path) -> None:
    faults = tmp_path / "hosts" / "pc1" / "faults.json"
    trusted(served)
    faults.write_text(json.dumps([{"kind": "drop", "times": 1}]), encoding="utf-8")
    assert served.hosts.read()["pc1"].answers  # a read is repeated
    faults.write_text(json.dumps([{"kind": "drop"}]), encoding="utf-8")
    served.hosts.forget()
    with pytest.raises(DroppedError, match="the connection was lost"):
        served.hosts.read()
    leaver = Leaver()
    leaver.start()
    host = replace(served.lab.hosts[0], port=leaver.port)
    with leaver.socket, pytest.raises(DroppedError, match="the connection was lost"):
        Session(replace(served.lab, hosts=(host,))).hosts.read()


def test_a_service_that_speaks_no_tls_is_no_matter_of_the_certificate(served: Session, tmp_path: Path) -> None:
    trusted(served)
    plain = serve("pc1", "127.0.0.1", 0, tmp_path, "lab", PASSWORD, None)
    plain.start()
    host = replace(served.lab.hosts[0], port=plain.port)
    try:
        with pytest.raises(UnreachableError, match=r"speaks no TLS on port \d+"):
            Session(replace(served.lab, hosts=(host,))).hosts.read()
        with pytest.raises(UnreachableError, match=r"shows no certificate on port \d+"):
            trust.fetch(served, [host])
    finally:
        plain.stop()


def test_what_is_not_encrypted_is_not_answered_on_a_port_for_tls(served: Session) -> None:
    host = replace(served.lab.hosts[0], scheme="http")
    with pytest.raises(DroppedError, match="the connection was lost"):
        Session(replace(served.lab, hosts=(host,))).hosts.read()


def test_a_fingerprint_that_differs_is_not_kept(served: Session) -> None:
    (offer,) = trust.fetch(served, served.lab.hosts)
    with pytest.raises(ConsentError, match="another certificate"):
        trust.agree(offer, "00:11:22")
    trust.agree(offer, offer.fingerprint.replace(":", " ").lower())
    trust.agree(offer, f"the certificate's fingerprint (SHA-256): {offer.fingerprint}\n")


@pytest.mark.parametrize("is_there", [True, False], ids=["who ends the question", "nobody is there"])
def test_a_certificate_that_nobody_compared_is_not_kept(
    served: Session, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    terminal = io.StringIO("")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal if is_there else None)
    (offer,) = trust.fetch(served, served.lab.hosts)
    with pytest.raises(ConsentError, match="nobody compared"):
        trust.agree(offer, "")


def test_a_host_that_does_not_answer_is_named(pc: Pc, tmp_path: Path) -> None:
    with pc(made(tmp_path / "one.pem")) as session:
        pass
    with pytest.raises(UnreachableError, match=r"host pc1 .* does not answer on port \d+ \(https\)"):
        trust.fetch(session, session.lab.hosts)


def test_a_host_over_http_has_nothing_to_trust(lab: Lab, session: Session) -> None:
    plain = [host for host in lab.hosts if host.scheme == "http"]
    assert [host.name for host in plain] == ["pc2"]
    assert trust.fetch(session, plain) == []
