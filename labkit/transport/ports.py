"""What to say of a host that lets nobody connect: most often it was prepared for the other of WinRM's two ports.

Windows' firewall drops what arrives at a port without a rule ("stealth mode"), so a PC that was prepared for the other
scheme is as silent as one that is switched off; only its other port tells them apart.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from labkit.description.lab import WINRM_PORTS
from labkit.errors import UnreachableError
from labkit.transport.moved import present_place

if TYPE_CHECKING:
    from pathlib import Path

    from labkit.description.lab import Host, Scheme

OTHER_TIMEOUT_S = 1.0  # a second port of a PC on the same LAN: what answers at all answers in milliseconds
NO_NEIGHBOUR = {errno.EHOSTUNREACH, errno.EHOSTDOWN, 10065}  # 10065: WSAEHOSTUNREACH
OTHER: dict[Scheme, Scheme] = {"http": "https", "https": "http"}
PREPARE = (
    "scripts/powershell/Enable-LabHost.ps1, run there as administrator, sets up WinRM, its firewall rule for the local "
    "subnet, and the account's rights"
)
NO_TLS = (
    "something else than WinRM over HTTPS listens there: without `port` it is asked at 5986; for a PC prepared "
    "with -Http write `scheme: http`"
)
SERVICE = "is its address right, and its `port`? Is WinRM started there (Start-Service WinRM)? "
CHANGED = (
    "does `ipconfig` there show another address? Write that one, or its name; Enable-LabHost.ps1 there makes a "
    "certificate that holds it, for `inv hyperv.trust`, and the router can keep an address for a PC"
)
RECONCILE: dict[Scheme, str] = {
    "http": "write `scheme: http` for it, or run Enable-LabHost.ps1 there without -Http",
    "https": "write `scheme: https` for it and type `inv hyperv.trust`, or run Enable-LabHost.ps1 there with -Http",
}
"""By the scheme that the PC speaks."""


def silent(host: Host, error: OSError, certificate: Path | None) -> UnreachableError:
    """The error for a host to whose port no connection could be made; looks whether the other scheme's port listens,
    and whether the PC is at another address now, by the `certificate` that is kept for it.

    `error` is what connecting raised. A host with a port of its own is not asked: its usual ports may be another PC's.
    """
    if place := present_place(host, certificate):
        return UnreachableError(*place.told())
    problem = f"host {host.name} ({host.address}) does not answer on port {host.port} ({host.scheme})"
    usual = WINRM_PORTS[host.scheme]
    other = OTHER[host.scheme]
    if host.port != usual:
        hint = (
            f"is `port: {host.port}` right? Without it {host.scheme} is on {usual}. Is the PC on and awake? {CHANGED}; "
            + PREPARE
        )
        return UnreachableError(f"{problem}: {error}", hint)
    if isinstance(error, TimeoutError | ConnectionRefusedError) and _listens(host.address, WINRM_PORTS[other]):
        return UnreachableError(f"{problem}; it listens on port {WINRM_PORTS[other]} ({other})", RECONCILE[other])
    nobody = " (nobody on this LAN has that address now)" if error.errno in NO_NEIGHBOUR else ""
    return UnreachableError(f"{problem}: {error}{nobody}", f"is the PC on and awake? {CHANGED}; {PREPARE}")


def _listens(address: str, port: int) -> bool:
    with suppress(OSError):  # whatever it was: nothing is known of that port, and the first error is told
        socket.create_connection((address, port), OTHER_TIMEOUT_S).close()
        return True
    return False
