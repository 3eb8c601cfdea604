"""A PC that has another address now, as by DHCP, told from one that is off: by its name, and by its own certificate.

The certificate that is kept for a host holds the PC's name. Where that leads to another address, and that very
certificate is shown there, it is that PC. Nobody else is asked: the LAN is not searched.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit import threads
from labkit.transport import lookup
from labkit.transport.certificate import named

if TYPE_CHECKING:
    from pathlib import Path

    from labkit.description.lab import Host

LOOKUP_S = 3.0  # a name that nobody has may take long to be not found
SHOW_S = 2.0


@dataclass(frozen=True)
class Place:
    """Where a host's certificate is shown now, and the name that led there."""

    host: Host
    name: str
    address: str

    def told(self) -> tuple[str, str]:
        """Problem and hint of the error that says so."""
        host = self.host
        problem = (
            f"host {host.name} ({host.address}) does not answer there: its certificate is shown at {self.address} now, "
            f"where the name {self.name} leads"
        )
        return problem, (
            f"its address changed: write `address: {self.name}` for it, which its certificate holds, or "
            f"`address: {self.address}`, after Enable-LabHost.ps1 there and `inv hyperv.trust`"
        )


def present_place(host: Host, certificate: Path | None) -> Place | None:
    """Where the PC whose certificate is kept for `host` shows it now; None where it is not known. Takes seconds."""
    if host.scheme != "https" or certificate is None or not certificate.exists():
        return None
    kept = certificate.read_text(encoding="ascii")
    for name, address in _addresses(_names(kept)):
        if address != host.address and _shows(address, host.port, kept):
            return Place(host, name, address)
    return None


def _names(pem: str) -> list[str]:
    with suppress(ValueError):  # no certificate of ours: it names nobody
        return [name for name in named(pem).names if name != "localhost"]
    return []


def _addresses(names: list[str]) -> Iterator[tuple[str, str]]:
    """Each name with each IPv4 address that it leads to, as far as they come in time."""
    found: list[tuple[str, str]] = []

    def ask() -> None:
        for name in names:
            found.extend((name, address) for address in lookup.addresses(name))

    threads.wait([threads.start(ask)], LOOKUP_S)  # left behind when it takes longer
    yield from list(found)


def _shows(address: str, port: int, kept: str) -> bool:
    with suppress(OSError, ValueError):
        shown = ssl.get_server_certificate((address, port), timeout=SHOW_S)
        return ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(kept)
    return False
