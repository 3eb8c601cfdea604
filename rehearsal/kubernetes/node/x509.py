"""X.509 for a cluster: authorities, server and client certificates, requests. RSA 2048 as kubeadm's default."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
BACKDATED = timedelta(minutes=5)  # a joining machine's clock may be a little behind


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)


def new_key(algorithm: str = "RSA-2048") -> PrivateKey:
    """A key of one of kubeadm's encryptionAlgorithm values."""
    if algorithm == "ECDSA-P256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(algorithm.removeprefix("RSA-")))


def key_pem(key: PrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def public_pem(key: PrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def name(common: str, organizations: Sequence[str] = ()) -> x509.Name:
    """A subject: CN is the user, each O a group."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def authority(common: str, validity: timedelta, algorithm: str = "RSA-2048") -> Pair:
    """A self-signed certificate authority, as kubeadm makes them: its own name among the DNS names."""
    key = new_key(algorithm)
    builder = _builder(name(common), name(common), key.public_key(), validity)
    usage = x509.KeyUsage(True, False, True, False, False, True, False, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(ca: Pair, subject: x509.Name, validity: timedelta, *, server: bool = False, client: bool = False,
          names: Sequence[str] = (), algorithm: str = "RSA-2048") -> Pair:  # fmt: skip
    """A certificate signed by `ca` for servers, clients or both; `names` are DNS names and addresses."""
    key = new_key(algorithm)
    builder = _builder(subject, ca.certificate.subject, key.public_key(), validity)
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(_purposes(server, client)), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def request(key: PrivateKey, subject: x509.Name) -> bytes:
    """A signing request in PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def load(certificate: Path, key: Path) -> Pair:
    """Read a pair from two PEM files. Raises OSError or ValueError."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key}: neither an RSA nor an ECDSA key")
    return Pair(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)


def certificate(pem: bytes) -> x509.Certificate:
    """The certificate of a PEM text. Raises ValueError."""
    return x509.load_pem_x509_certificate(pem)


def public_key_hash(certificate: x509.Certificate) -> str:
    """`sha256:<hex>` over the public key (SubjectPublicKeyInfo, DER): what kubeadm pins a CA by."""
    encoded = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def expires(certificate: x509.Certificate) -> datetime:
    """When it ends, with its time zone; the attribute that says so was renamed in cryptography 42."""
    utc = getattr(certificate, "not_valid_after_utc", None)
    return utc if isinstance(utc, datetime) else certificate.not_valid_after.replace(tzinfo=UTC)


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
             validity: timedelta) -> x509.CertificateBuilder:  # fmt: skip
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATED).not_valid_after(now + validity)


def _purposes(server: bool, client: bool) -> list[x509.ObjectIdentifier]:
    both = ((server, ExtendedKeyUsageOID.SERVER_AUTH), (client, ExtendedKeyUsageOID.CLIENT_AUTH))
    return [purpose for wanted, purpose in both if wanted]


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    result: list[x509.GeneralName] = []
    for text in dict.fromkeys(names):
        try:
            result.append(x509.IPAddress(ip_address(text)))
        except ValueError:
            result.append(x509.DNSName(text))
    return result
