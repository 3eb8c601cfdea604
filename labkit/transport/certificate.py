"""Whom a certificate is for: its subject alternative names (RFC 5280, 4.2.1.6)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509


@dataclass(frozen=True)
class Named:
    """The DNS names and the IP addresses in a certificate."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def named(pem: str) -> Named:
    """Whom the certificate in that PEM text is for; nobody where it does not say. ValueError for no certificate."""
    extensions = x509.load_pem_x509_certificate(pem.encode()).extensions
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Named()
    addresses = tuple(str(one) for one in found.get_values_for_type(x509.IPAddress))
    return Named(tuple(found.get_values_for_type(x509.DNSName)), addresses)
