"""The way to a Hyper-V host: WinRM. The only file that imports pywinrm.

Facts it is built on (pywinrm 0.5.0): `run_ps` puts the script on a command line and cannot choose the code page;
`get_command_output` repeats operation time-outs for ever; a failed handshake leaves a session behind whose next
message would not be encrypted; nothing in it is locked. Hence: own calls, an own deadline, and a new Protocol after
any failure, never shared between threads.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from xml.etree.ElementTree import ParseError

from requests.exceptions import RequestException, Timeout
from requests.exceptions import SSLError as TlsError
from spnego.exceptions import SpnegoError
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)
from winrm.protocol import Protocol as WsMan

from labkit.controller.secrets import Secret, variable_of
from labkit.errors import ConfigError, DeadlineError, LabError, MissingError, UnreachableError
from labkit.transport.knock import knock
from labkit.transport.moved import present_place
from labkit.transport.ports import NO_TLS, PREPARE, silent

if TYPE_CHECKING:
    from labkit.description.lab import Host

UTF8 = 65001
PIECE = 90_000  # bytes of standard input a message; the envelope may have 153,600, and base64 adds a third
CONNECT_TIMEOUT_S = 5.0
# A new account's first log-on makes its profile, past a virus scanner; a Send may be held until PowerShell there reads,
# and that starts slowly where the disk is busy. Only a Receive is asked anew: it may be held for a moment, with nothing
# to tell, so that a deadline is met.
OPERATION_TIMEOUT_S = 60
RECEIVE_TIMEOUT_S = 15
READ_TIMEOUT_S = 90
# Windows closes a connection after two minutes without a word, and what is encrypted for it counts on no other. By the
# wall clock: the monotonic one stands still while a laptop sleeps.
IDLE_S = 60.0
LIBRARY_ERRORS = (
    WinRMError, WinRMTransportError, WinRMOperationTimeoutError, RequestException, SpnegoError, ParseError,
)  # fmt: skip
# What it logs for debugging holds challenge and response, from which the password can be guessed at leisure.
logging.getLogger("spnego").setLevel(logging.WARNING)


class DroppedError(UnreachableError):
    """The connection was there and got lost in the middle: whatever was asked for may have been done."""


@dataclass(frozen=True)
class Output:
    """What a command wrote and the code it ended with."""

    stdout: bytes
    stderr: bytes
    code: int


class Transport(Protocol):
    """What the rest needs of a way to a host; tests put their own there."""

    def run(self, command: str, stdin: bytes, deadline_s: float) -> Output: ...


@dataclass
class WinRm:
    """One host. Not for two threads at once. Over HTTPS it is believed by `certificate`, a PEM file, alone."""

    host: Host
    password: Secret
    certificate: Path | None = None
    _wsman: Any = field(default=None, init=False, repr=False)
    _used: float = field(default=0.0, init=False, repr=False)

    def run(self, command: str, stdin: bytes, deadline_s: float) -> Output:
        """Run a command line with these bytes on standard input and wait for its end, `deadline_s` seconds at most.

        Raises UnreachableError (no connection, wrong password), DroppedError (lost in the middle), DeadlineError.
        """
        until = time.monotonic() + deadline_s
        if time.time() - self._used > IDLE_S:
            self._wsman = None
        try:
            if self._wsman is None:
                self._wsman = self._open()
            return self._run(command, stdin, until)
        except BaseException as error:
            self._wsman = None
            if isinstance(error, LIBRARY_ERRORS):
                raise self._explained(error) from error
            raise
        finally:
            self._used = time.time()

    def _probe(self) -> None:
        """Ask for a TCP connection only: a PC that is off is named in seconds, not after an HTTP time-out."""
        try:
            socket.create_connection((self.host.address, self.host.port), CONNECT_TIMEOUT_S).close()
        except OSError as error:
            raise silent(self.host, error, self.certificate) from error

    def _open(self) -> Any:
        self._probe()
        trusted = None  # else the environment's REQUESTS_CA_BUNDLE would decide whom to trust
        if self.host.scheme == "https":
            trusted = self._trusted()
        knock(self.host, trusted)
        return WsMan(
            endpoint=self.host.url,
            transport=self.host.auth,
            username=self.host.user,
            password=self._carried(),
            # TLS encrypts by itself; without it NTLM's own encryption is not optional.
            message_encryption="always" if self.host.scheme == "http" else "auto",
            operation_timeout_sec=OPERATION_TIMEOUT_S,
            read_timeout_sec=READ_TIMEOUT_S,
            proxy="",  # none; by None requests would set a variable meanwhile, over which other threads stumble
            server_cert_validation="validate",
            ca_trust_path=trusted,  # the certificate itself: pywinrm knows no pinning by fingerprint
        )

    def _carried(self) -> str:
        """The password, if the way to log on can carry it: Basic says nothing of how other letters are written."""
        password = self.password.reveal()
        if self.host.auth == "basic" and not password.isascii():
            raise ConfigError(
                f"{variable_of(self.host)} (or LAB_PASSWORD): Basic carries no letters beyond ASCII",
                f"give {self.host.user} on {self.host.name} a password without them",
            )
        return password

    def _trusted(self) -> str:
        if self.certificate is None or not self.certificate.exists():
            raise MissingError(
                f"no certificate of host {self.host.name} ({self.host.address}) is trusted yet", "inv hyperv.trust"
            )
        return str(self.certificate)

    def _run(self, command: str, stdin: bytes, until: float) -> Output:
        self._wsman.operation_timeout_sec = OPERATION_TIMEOUT_S
        shell = self._wsman.open_shell(codepage=UTF8)
        with _ended_by(self._wsman.close_shell, shell, False):
            task = self._wsman.run_command(shell, command, console_mode_stdin=False)
            with _ended_by(self._wsman.cleanup_command, shell, task):
                for start in range(0, max(len(stdin), 1), PIECE):
                    last = start + PIECE >= len(stdin)
                    self._wsman.send_command_input(shell, task, stdin[start : start + PIECE], end=last)
                return self._receive(shell, task, until)

    def _receive(self, shell: str, task: str, until: float) -> Output:
        stdout, stderr = bytearray(), bytearray()
        self._wsman.operation_timeout_sec = min(RECEIVE_TIMEOUT_S, OPERATION_TIMEOUT_S)
        while True:
            with suppress(WinRMOperationTimeoutError):  # nothing to tell for so long: ask again
                out, err, code, done = self._wsman.get_command_output_raw(shell, task)
                stdout += out
                stderr += err
                if done:
                    return Output(bytes(stdout), bytes(stderr), code)
            if time.monotonic() > until:
                raise DeadlineError(
                    f"host {self.host.name} ({self.host.address}): a script did not end in time",
                    "`inv hyperv.status` shows the state; look at that PC for a dialogue or a disk at its limit",
                )

    def _explained(self, error: Exception) -> LabError:
        where = f"host {self.host.name} ({self.host.address})"
        if isinstance(error, InvalidCredentialsError):
            return UnreachableError(
                f"{where} refuses {self.host.user}: wrong password, or an account that may not log on remotely",
                f"check LAB_PASSWORD (or {variable_of(self.host)}) and host_user; "
                "Enable-LabHost.ps1 there makes the account and gives it its rights over the network. A right one is "
                "refused by PCs cloned from one image (event 6167 there), and where a policy restricts NTLM: see "
                "docs/troubleshooting.md, A PC does not answer",
            )
        if isinstance(error, TlsError):
            return self._tls_explained(error, where)
        if isinstance(error, WSManFaultError) and error.wsman_fault_code == ACCESS_DENIED:
            return UnreachableError(
                f"{where} lets {self.host.user} in and denies it the rights of an administrator",
                "it must be in Administrators there, and LocalAccountTokenFilterPolicy be set; " + PREPARE,
            )
        if isinstance(error, WSManFaultError):
            return DroppedError(f"{where}: WinRM refuses: {error.reason} [{error.wsman_fault_code}]", AGAIN)
        return DroppedError(f"{where}: the connection was lost: {type(error).__name__}: {error}", AGAIN)

    def _tls_explained(self, error: TlsError, where: str) -> LabError:
        """requests has one class for all trouble of TLS; what it was stands in the error of Python's ssl below it."""
        below = _of_ssl(error)
        if isinstance(below, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return DroppedError(f"{where}: the connection was lost while it began: {below}", AGAIN)
        if below is None or isinstance(below, ssl.SSLCertVerificationError):
            if place := present_place(self.host, self.certificate):  # another PC has its address now
                return UnreachableError(*place.told())
            return UnreachableError(
                f"{where}: its certificate is not the one that was trusted, or does not name {self.host.address} "
                f"({error})",
                "was that PC prepared again, or did its address change? Compare: `inv hyperv.trust`; "
                "Enable-LabHost.ps1 there makes a certificate for its present addresses",
            )
        return UnreachableError(f"{where} speaks no TLS on port {self.host.port}: {below}", NO_TLS)


@contextmanager
def _ended_by(action: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Call `action` in the end, unless the host has stopped answering: each word more would take a time-out more.

    A shell that cannot be closed ends on the host by its idle time-out; the failure that matters is being raised.
    """
    hangs = False
    try:
        yield
    except Timeout:
        hangs = True
        raise
    finally:
        if not hangs:
            with suppress(*LIBRARY_ERRORS, AssertionError):
                action(*arguments)


def _of_ssl(error: BaseException | None) -> ssl.SSLError | None:
    """The error of Python's ssl that one of requests' was made of, or None."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


ACCESS_DENIED = 5  # Windows' ERROR_ACCESS_DENIED, as the WSManFault of a filtered token carries it
AGAIN = "repeat the command: it reads the state again and goes on from there"
