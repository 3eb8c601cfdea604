"""HTTPS with the one certificate that was trusted: real TLS, real NTLM, real pywinrm."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
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
    (offer,), _ = trust.fetch(session, session.lab.hosts)
    trust.agree(offer, offer.fingerprint)
    assert trust.keep(session, offer)


def test_a_host_is_read_over_tls_once_it_is_trusted_and_not_before(served: Session) -> None:
    with pytest.raises(MissingError, match="trusted yet"):
        served.hosts.read()
    trusted(served)
    assert served.hosts.read()["pc1"].answers
    (offer,), _ = trust.fetch(served, served.lab.hosts)
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


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a name leads to now; every other one is not found."""
    known: dict[str, str] = {}
    ask = socket.getaddrinfo

    def resolved(name: str, port: Any, *rest: Any, **options: Any) -> Any:
        return ask(known.get(name, name if name[0].isdigit() else "no-such-pc.invalid"), port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return known


@pytest.fixture
def elsewhere_is_another(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Let another PC have an address and that port."""
    with ExitStack() as until_end:

        def serving(port: int) -> None:
            other = serve("pc2", "127.0.0.3", port, tmp_path, "lab", PASSWORD, None, made(tmp_path / "other.pem"))
            other.start()
            until_end.callback(other.stop)

        yield serving


def test_a_pc_whose_address_another_has_now_is_told_with_its_own(
    pc: Pc, tmp_path: Path, names: dict[str, str], elsewhere_is_another: Callable[[int], None]
) -> None:
    names["PC1"] = ELSEWHERE
    with pc(made(tmp_path / "one.pem"), ELSEWHERE) as session:
        trusted(session)
        (host,) = session.lab.hosts
        elsewhere_is_another(host.port)
        before = Session(replace(session.lab, hosts=(replace(host, address="127.0.0.3"),)))
        with pytest.raises(UnreachableError, match=r"its certificate is shown at 127\.0\.0\.2 now"):
            before.hosts.read()


def test_a_pc_whose_address_changed_is_told_from_one_that_is_off(pc: Pc, tmp_path: Path, names: dict[str, str]) -> None:
    with pc(made(tmp_path / "one.pem"), ELSEWHERE) as session:
        trusted(session)
        (host,) = session.lab.hosts
        before = Session(replace(session.lab, hosts=(replace(host, address="127.0.0.3"),)))
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.3") as caught:
            before.hosts.read()
        assert "ipconfig" in caught.value.hint, "no name leads to it: its address is to be compared"
        names["PC1"] = ELSEWHERE
        with pytest.raises(UnreachableError, match=r"its certificate is shown at 127\.0\.0\.2 now") as caught:
            before.hosts.read()
        for words in ("`address: PC1`", "`address: 127.0.0.2`", "Enable-LabHost.ps1", "inv hyperv.trust"):
            assert words in caught.value.hint


def test_another_pc_under_the_name_is_not_taken_for_it(pc: Pc, tmp_path: Path, names: dict[str, str]) -> None:
    with pc(made(tmp_path / "one.pem")) as session:
        trusted(session)
    names["PC1"] = ELSEWHERE
    with pc(made(tmp_path / "two.pem"), ELSEWHERE) as other:
        host = replace(other.lab.hosts[0], address="127.0.0.3")
        with pytest.raises(UnreachableError) as caught:
            Session(replace(other.lab, hosts=(host,))).hosts.read()
        assert "certificate is shown" not in caught.value.problem


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
        _, (error,) = trust.fetch(served, [host])
        assert f"shows no certificate on port {plain.port}" in error.problem
    finally:
        plain.stop()


def test_a_fingerprint_that_differs_is_not_kept(served: Session) -> None:
    (offer,), _ = trust.fetch(served, served.lab.hosts)
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
    (offer,), _ = trust.fetch(served, served.lab.hosts)
    with pytest.raises(ConsentError, match="nobody compared"):
        trust.agree(offer, "")


def test_a_host_that_does_not_answer_is_named(pc: Pc, tmp_path: Path) -> None:
    with pc(made(tmp_path / "one.pem")) as session:
        pass
    _, (error,) = trust.fetch(session, session.lab.hosts)
    assert re.match(r"host pc1 .* does not answer on port \d+ \(https\)", error.problem)


def test_a_pc_that_is_off_keeps_nobody_from_trusting_the_other(served: Session) -> None:
    (host,) = served.lab.hosts
    offers, errors = trust.fetch(served, [replace(host, name="pc0", port=9), host])
    assert [offer.host.name for offer in offers] == ["pc1"]
    assert [error.problem.partition(" (")[0] for error in errors] == ["host pc0"]


def test_a_host_over_http_has_nothing_to_trust(lab: Lab, session: Session) -> None:
    plain = [host for host in lab.hosts if host.scheme == "http"]
    assert [host.name for host in plain] == ["pc2"]
    assert trust.fetch(session, plain) == ([], [])
