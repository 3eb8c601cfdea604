"""The certificate that Enable-LabHost.ps1 makes on a PC for WinRM, made for a stand-in PC that nobody ran it on.

As Windows' New-SelfSignedCertificate makes it (learn.microsoft.com, module PKI): self-signed, RSA of 2048 bits, for
digital signatures and key encipherment, client and server authentication. A test holds it against the script's own.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = "127.0.0.1"
VALID_FOR = datetime.timedelta(days=3652)


def of_pc(file: Path, computer: str, address: str) -> Path:
    """Return `file`, a PEM file with certificate and key for a PC of that name and address; made where it is not there.

    A PC whose address is another one now gets another certificate, as it does by running the script again.
    """
    names = _names(computer, address)
    if not file.exists() or _names_in(file) != names:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_make(computer, names))
    return file


def fingerprint(file: Path) -> str:
    """SHA-256 of the certificate in a PEM file, as Enable-LabHost.ps1 prints it on its PC."""
    return x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def _names(computer: str, address: str) -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in sorted({LOOPBACK, address})]
    return x509.SubjectAlternativeName([x509.DNSName(computer), x509.DNSName("localhost"), *addresses])


def _names_in(file: Path) -> x509.SubjectAlternativeName:
    made = x509.load_pem_x509_certificate(file.read_bytes())
    return made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _make(computer: str, names: x509.SubjectAlternativeName) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, computer)])
    now = datetime.datetime.now(datetime.UTC)
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=10))
        .not_valid_after(now + VALID_FOR)
        .add_extension(_signing_and_encipherment(), critical=True)
        .add_extension(uses, critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private


def _signing_and_encipherment() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_encipherment=True, content_commitment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
