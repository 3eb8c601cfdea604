"""A small client of the Kubernetes API over TLS: JSON in, JSON out, watches as iterators.

The kubelet binds its connections to --node-ip, so that its heartbeats travel on INTERNAL or not at all.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Object = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
# A watch whose other side fell silent ends within 25 seconds. client-go pings its server, and allows 30 + 15.
KEEPALIVE = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}


class ApiError(Exception):
    """The server's refusal: HTTP status, reason (such as NotFound) and message of its Status object."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class UnreachableError(Exception):
    """No answer at all: refused, timed out, or TLS failed; the text is what a Go program would say."""


class Api:
    """One API server with one identity (client certificate, token, or none).

    `source` is the local address that connections come from; `verify=False` is only for discovery, where the
    cluster's CA is not known yet.
    """

    def __init__(
        self,
        server: str,
        ca: str | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        token: str | None = None,
        source: str | None = None,
        verify: bool = True,
        timeout_s: float = 10,
    ) -> None:
        parts = urlsplit(server)
        self.server, self.host, self.port = server, parts.hostname or "", parts.port or 443
        self.token, self.source, self.timeout_s = token, source, timeout_s
        self._files = (ca, certificate, key, verify)
        self._context: ssl.SSLContext | None = None
        self._stamp: float | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS context; made anew when the client certificate on disk has been renewed."""
        ca, certificate, key, verify = self._files
        stamp = certificate.stat().st_mtime if certificate else 0.0
        if self._context is None or stamp != self._stamp:
            context = ssl.create_default_context(cadata=ca)
            if not verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if certificate:
                context.load_cert_chain(certificate, key)
            self._context, self._stamp = context, stamp
        return self._context

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: str) -> Any:
        """One request; the decoded JSON answer (None when empty). Raises ApiError or UnreachableError."""
        connection = self._connect()
        try:
            response = self._send(connection, method, path, body, kind, query)
            text = response.read()
        except OSError as error:
            raise UnreachableError(self._describe(method, path, error)) from None
        finally:
            connection.close()
        return _decoded(response.status, text)

    def get(self, path: str, **query: str) -> Any:
        return self.request("GET", path, **query)

    def create(self, path: str, body: Object) -> Any:
        return self.request("POST", path, body)

    def update(self, path: str, body: Object) -> Any:
        return self.request("PUT", path, body)

    def merge(self, path: str, body: Object) -> Any:
        """A JSON merge patch: lists are replaced as a whole, null removes a key."""
        return self.request("PATCH", path, body, MERGE_PATCH)

    def delete(self, path: str, body: Object | None = None) -> Any:
        return self.request("DELETE", path, body)

    def ensure(self, path: str, body: Object) -> Any:
        """Create the object, or bring the one of that name to `body`; what kubeadm calls create-or-update."""
        try:
            return self.create(path, body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        return self.merge(f"{path}/{quote(body['metadata']['name'])}", body)

    def watch(self, path: str, timeout_s: int = 240, **query: str) -> Iterator[Object]:
        """Events {"type", "object"} until the server ends the stream. Raises ApiError (also 410), UnreachableError."""
        connection = self._connect()
        query |= {"watch": "true", "timeoutSeconds": str(timeout_s), "allowWatchBookmarks": "true"}
        try:
            connection.connect()
            connection.sock.settimeout(timeout_s + 30)
            _keep_asking(connection.sock)
            response = self._send(connection, "GET", path, None, "application/json", query)
            if response.status >= 400:
                _decoded(response.status, response.read())
            while line := response.readline():
                if line.strip():
                    yield _event(json.loads(line))
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(self._describe("GET", path, error)) from None
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPSConnection:
        source = (self.source, 0) if self.source else None
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=self.timeout_s, source_address=source, context=self.context()
        )

    def _send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Any,
        kind: str,
        query: dict[str, str],
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": "stand-in-node"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), kind
        connection.request(method, path + ("?" + urlencode(query) if query else ""), data, headers)
        return connection.getresponse()

    def _describe(self, method: str, path: str, error: Exception) -> str:
        why = "connect: connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"tls: failed to verify certificate: x509: {error.verify_message}"
        elif isinstance(error, TimeoutError):
            why = f"dial tcp {self.host}:{self.port}: i/o timeout"
        return f'{method.title()} "{self.server}{path}": {why}'


def _keep_asking(connected: socket.socket) -> None:
    """Have the kernel ask the other side whether it is still there, however long neither has anything to say."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _decoded(status: int, text: bytes) -> Any:
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = {"message": text.decode(errors="replace").strip(), "reason": "Unknown"}
    if status >= 400:
        details = body if isinstance(body, dict) else {}
        raise ApiError(status, details.get("reason") or "Unknown", details.get("message") or f"HTTP status {status}")
    return body


def _event(event: Object) -> Object:
    if event.get("type") == "ERROR":
        status = event["object"]
        raise ApiError(
            status.get("code", 500), status.get("reason", "Unknown"), status.get("message", "the watch failed")
        )
    return event
