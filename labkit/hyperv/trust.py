"""Trusting a host's own certificate: fetched once, compared by a person, kept; from then on no other is accepted."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.controller import terminal
from labkit.errors import ConsentError, LabError, RefusedError, UnreachableError
from labkit.transport.certificate import named
from labkit.transport.ports import NO_TLS, silent

if TYPE_CHECKING:
    from labkit.description.lab import Host
    from labkit.session import Session

CONNECT_TIMEOUT_S = 5.0
WHERE = "Enable-LabHost.ps1 printed the right fingerprint on that PC, and prints it again"


@dataclass(frozen=True)
class Offer:
    """The certificate that a host shows now, and the fingerprint of the one kept for it ('': none yet)."""

    host: Host
    pem: str
    fingerprint: str
    kept: str

    @property
    def is_known(self) -> bool:
        return self.fingerprint == self.kept


def fetch(session: Session, hosts: Sequence[Host]) -> tuple[list[Offer], list[LabError]]:
    """The certificates of those hosts that are spoken to over HTTPS, and the errors of those that show none.

    No password is sent.
    """
    offers: list[Offer] = []
    errors: list[LabError] = []
    for host in hosts:
        if host.scheme == "https":
            try:
                offers.append(_offer(session, host))
            except ssl.SSLError as error:
                errors.append(
                    UnreachableError(
                        f"host {host.name} ({host.address}) shows no certificate on port {host.port}: {error}",
                        NO_TLS,
                    )
                )
            except OSError as error:
                errors.append(silent(host, error, session.state.host_certificate(host.name)))
    return offers, errors


def _offer(session: Session, host: Host) -> Offer:
    pem = ssl.get_server_certificate((host.address, host.port), timeout=CONNECT_TIMEOUT_S)
    file = session.state.host_certificate(host.name)
    kept = fingerprint(file.read_text(encoding="ascii")) if file.exists() else ""
    return Offer(host, pem, fingerprint(pem), kept)


def fingerprint(pem: str) -> str:
    """SHA-256 of a certificate as Enable-LabHost.ps1 prints it: pairs of upper-case hex digits with colons."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


def settle(session: Session, offer: Offer, given: str) -> bool:
    """Trust what a host shows once a person has compared it; return whether that is new. Raises what speaks against."""
    check_name(offer)
    if offer.is_known:
        return False
    agree(offer, given)
    return keep(session, offer)


def agree(offer: Offer, given: str) -> None:
    """Have a person compare: `given` is the fingerprint from the PC, or '' to be asked at the terminal.

    Raises ConsentError when they differ or nobody is there; nothing was kept then. Names are `check_name`'s matter.
    """
    name = offer.host.name
    if not given and terminal.is_there():
        with suppress(EOFError):  # Ctrl-D: nobody compares
            given = input(f"Paste the fingerprint that {name} printed itself: ")
    if not given:
        hint = f"inv hyperv.trust --host {name} --fingerprint <the one from that PC>; {WHERE}"
        raise ConsentError(f"nobody compared the fingerprint of {name}; nothing was kept", hint)
    if _digits(given) != _digits(offer.fingerprint):
        raise ConsentError(
            f"{name} shows another certificate than the one whose fingerprint was given; nothing was kept",
            f"is {offer.host.address} really that PC? {WHERE}",
        )


def check_name(offer: Offer) -> None:
    """Raise RefusedError for a certificate that does not name its host's address: even trusted it is never accepted."""
    host, found = offer.host, named(offer.pem)
    names = [*found.names, *found.addresses]
    if host.address.lower() not in map(str.lower, names):
        raise RefusedError(
            f"the certificate of {host.name} does not name {host.address}; it names {', '.join(names) or 'nothing'}",
            f"write one of these as hosts.{host.name}.address, or run Enable-LabHost.ps1 there again: it makes a "
            "certificate for that PC's present addresses; with `-Address` for one that it does not find by itself",
        )


def keep(session: Session, offer: Offer) -> bool:
    """Accept this certificate for its host from now on, and no other; return whether that is new."""
    return session.state.write(session.state.host_certificate(offer.host.name), offer.pem)


def _digits(text: str) -> str:
    """The hex digits of a fingerprint, also of the whole line that Enable-LabHost.ps1 prints."""
    return text.rpartition("): ")[2].replace(":", "").replace(" ", "").strip().upper()
