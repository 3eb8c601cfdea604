"""The server's side of NTLM over HTTP, and WinRM's message encryption on top of it.

The protocol facts are those of MS-NLMP (by pyspnego) and of MS-WSMV 2.2.9.1 "Encrypted Message Types".
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import struct
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import spnego
from spnego.exceptions import SpnegoError

BOUNDARY = b"--Encrypted Boundary"
PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
SIGNATURE_BYTES = 16

# pyspnego's acceptor takes its accounts only from the file that this variable names, one for the whole process. The
# variable is set once: clients in other threads walk through the environment. Only the file's content changes.
_ACCOUNTS = "NTLM_USER_FILE"
_ACCOUNTS_LOCK = threading.Lock()


@cache
def _accounts_file() -> Path:
    folder = tempfile.mkdtemp(prefix="winrm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "accounts"
    file.touch(mode=0o600)
    os.environ[_ACCOUNTS] = str(file)
    return file


class LogOnError(Exception):
    """The client is not who it says it is, or sent something that is no NTLM message."""


class Accounts:
    """The one account that a PC lets in, under every spelling that Windows takes (`lab`, `.\\lab`, `PC1\\lab`)."""

    def __init__(self, computer: str, user: str, password: str) -> None:
        names = ((domain, user) for domain in ("", ".", computer.upper()))
        self._lines = "".join(f"{domain}:{name}:{password}\n" for domain, name in names)
        self._basic = base64.b64encode(f"{user}:{password}".encode()).decode()

        self._file = _accounts_file()

    def opens(self, header: str) -> bool:
        """Whether an `Authorization` header names account and password, as Basic does."""
        return header == f"Basic {self._basic}"

    def step(self, context: Any, token: bytes) -> bytes | None:
        """Take one message of the client's and return the answer; LogOnError when it is wrong."""
        with _ACCOUNTS_LOCK:
            self._file.write_text(self._lines, encoding="utf-8")
            try:
                answer: bytes | None = context().step(token)
            except (SpnegoError, ValueError, struct.error) as error:
                raise LogOnError(str(error)) from error
            finally:
                self._file.write_text("", encoding="utf-8")
        return answer


class Authentication:
    """Who stands at the other end of one TCP connection: NTLM authenticates connections, not requests."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._context: Any = None

    @property
    def complete(self) -> bool:
        """Whether the client has proved that it knows the password."""
        return self._context is not None and bool(self._context.complete)

    def answer(self, header: str) -> str | None:
        """Take an `Authorization` header; return the challenge for `WWW-Authenticate`, or None when done.

        LogOnError when the scheme is not NTLM's or the password is wrong.
        """
        scheme, _, token = header.partition(" ")
        if scheme not in ("Negotiate", "NTLM"):
            raise LogOnError(f"{scheme} is not offered here")
        try:
            message = base64.b64decode(token, validate=True)
        except ValueError as error:
            raise LogOnError("not base64") from error
        if self.complete:
            self._context = None
        try:
            reply = self._accounts.step(self._acceptor, message)
        except LogOnError:
            self._context = None
            raise
        return None if self.complete else f"{scheme} {base64.b64encode(reply or b'').decode()}"

    def _acceptor(self) -> Any:
        if self._context is None:
            self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        return self._context

    def decrypt(self, body: bytes) -> bytes:
        """Return the SOAP message in a `multipart/encrypted` body; LogOnError when it was not sealed by this client."""
        parts = body.split(BOUNDARY + b"\r\n")
        try:
            sealed = parts[2].removesuffix(BOUNDARY + b"--\r\n").partition(b"octet-stream\r\n")[2]
            size = struct.unpack("<i", sealed[:4])[0]
            message = self._context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
        except (IndexError, struct.error, SpnegoError) as error:
            raise LogOnError(f"cannot be decrypted: {error}") from error
        return bytes(message)

    def encrypt(self, message: bytes) -> bytes:
        """Return `message` sealed for this client, as a `multipart/encrypted` body (content type: CONTENT_TYPE)."""
        sealed = self._context.wrap_winrm(message)
        about = f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(message)}\r\n"
        return b"".join(
            (
                BOUNDARY + b"\r\n\tContent-Type: " + PROTOCOL.encode() + b"\r\n" + about.encode(),
                BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n",
                struct.pack("<i", len(sealed.header)) + sealed.header + sealed.data,
                BOUNDARY + b"--\r\n",
            )
        )
