"""HTTPS with the one certificate that was trusted: real TLS, real NTLM, real pywinrm."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from labkit.errors import ConsentError, MissingError, UnreachableError
from labkit.hyperv import trust
from labkit.lab import Lab
from labkit.session import Session
from labkit.state import StateDir
from rehearsal.hosts.endpoint import serve

pytestmark = pytest.mark.network
PASSWORD = "mellon"


def certificate(path: Path, address: str = "127.0.0.1") -> Path:
    """A self-signed certificate with its key, as Enable-LabHost makes one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "PC1")])
    names = x509.SubjectAlternativeName([x509.DNSName("PC1"), x509.IPAddress(ipaddress.ip_address(address))])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=10))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


Pc = Callable[[Path], AbstractContextManager[Session]]


@pytest.fixture
def pc(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pc:
    """Serve one PC with a certificate; gives the session of a lab on it."""
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    monkeypatch.setattr(StateDir, "of", lambda _: StateDir(tmp_path / ".lab"))

    @contextmanager
    def running(pem: Path) -> Any:
        endpoint = serve("pc1", "127.0.0.1", 0, tmp_path, "lab", PASSWORD, None, pem)
        endpoint.start()
        host = replace(lab.hosts[0], address="127.0.0.1", scheme="https", port=endpoint.port)
        try:
            yield Session(replace(lab, hosts=(host,)))
        finally:
            endpoint.stop()

    return running


def trusted(session: Session) -> None:
    (offer,) = trust.fetch(session, trust.chosen(session.lab, ""))
    trust.agree(offer, offer.fingerprint)
    assert trust.keep(session, offer)


def test_nothing_is_sent_before_a_certificate_is_trusted(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem")) as session, pytest.raises(MissingError, match="trusted yet"):
        session.hosts.read()


def test_a_trusted_host_is_read_and_changed_over_tls(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem")) as session:
        trusted(session)
        assert session.hosts.read()["pc1"].answers
        (offer,) = trust.fetch(session, session.lab.hosts)
        assert offer.is_known


def test_another_certificate_is_refused(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem")) as session:
        trusted(session)
    with (
        pc(certificate(tmp_path / "two.pem")) as session,
        pytest.raises(UnreachableError, match="not the one that was trusted") as caught,
    ):
        session.hosts.read()
    assert PASSWORD not in str(caught.value)
    assert "hyperv.trust" in str(caught.value.hint)


def test_a_certificate_for_another_address_is_refused(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem", "192.0.2.77")) as session:
        trusted(session)
        with pytest.raises(UnreachableError, match=r"does not name 127\.0\.0\.1"):
            session.hosts.read()


def test_a_fingerprint_that_differs_is_not_kept(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem")) as session:
        (offer,) = trust.fetch(session, session.lab.hosts)
        with pytest.raises(ConsentError, match="another certificate"):
            trust.agree(offer, "00:11:22")
        trust.agree(offer, offer.fingerprint.replace(":", " ").lower())


def test_without_a_person_and_without_a_fingerprint_nothing_is_kept(
    pc: Pc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pc(certificate(tmp_path / "one.pem")) as session:
        (offer,) = trust.fetch(session, session.lab.hosts)
        with pytest.raises(ConsentError, match="nobody compared"):
            trust.agree(offer, "")


def test_a_host_that_does_not_answer_is_named(pc: Pc, tmp_path: Path) -> None:
    with pc(certificate(tmp_path / "one.pem")) as session:
        pass
    with pytest.raises(UnreachableError, match=r"host pc1 .* does not answer on port \d+ \(https\)"):
        trust.fetch(session, session.lab.hosts)


def test_a_host_over_http_has_nothing_to_trust(lab: Lab, session: Session) -> None:
    assert trust.fetch(session, lab.hosts) == []
