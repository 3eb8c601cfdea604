"""A cluster's certificates for tests, made the way kubeadm makes them."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _name(common_name: str, groups: tuple[str, ...]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


class Pki:
    """A CA in `folder`, and certificates signed by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name("kubernetes", ())
        authority = self._builder(self._subject, self._key).add_extension(x509.BasicConstraints(True, None), True)
        self.ca_pem = authority.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.ca = self._write("ca.crt", self.ca_pem)
        self.ca_key = self._write("ca.key", key_pem(self._key))
        self.service_key = self._write("sa.key", key_pem(rsa.generate_private_key(65537, 2048)))

    def _builder(self, subject: x509.Name, key: Key) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    def issue(self, name: str, common_name: str, groups: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """The files of a certificate for a client or for a server on 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        certificate = (
            self._builder(_name(common_name, groups), key)
            .add_extension(x509.SubjectAlternativeName(alternatives), False)
            .add_extension(x509.ExtendedKeyUsage(usages), False)
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return self._write(f"{name}.crt", pem), self._write(f"{name}.key", key_pem(key))

    def kubeconfig(self, name: str, server: str, common_name: str, groups: tuple[str, ...] = ()) -> Path:
        """A kubeconfig with the certificate inside, as kubeadm writes it."""
        certificate, key = self.issue(name, common_name, groups)
        user = {
            "client-certificate-data": base64.b64encode(certificate.read_bytes()).decode(),
            "client-key-data": base64.b64encode(key.read_bytes()).decode(),
        }
        return self.write_kubeconfig(f"{name}.conf", server, user)

    def write_kubeconfig(self, name: str, server: str, user: dict[str, str]) -> Path:
        authority = base64.b64encode(self.ca_pem).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        return self._write(name, yaml.safe_dump(content).encode())
