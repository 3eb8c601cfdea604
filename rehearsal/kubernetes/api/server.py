"""HTTPS: sockets, TLS with client certificates, one thread a connection, chunked streams."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .errors import ApiError
from .exchange import Answer, Request
from .identity import User
from .listener import Listener

NAME = "stand-in-kube-apiserver"
HANDSHAKE_S = 10.0
IDLE_S = 600.0
log = logging.getLogger("apiserver")

Identify = Callable[[Any, str], User]
Respond = Callable[[Request], Answer]


def tls_context(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client certificate is optional, and verified when it is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Server(Listener):
    """Accepts connections; the TLS handshake is made in the connection's own thread, so nobody holds up the others."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, identify: Identify, respond: Respond) -> None:
        self.context, self.identify, self.respond = context, identify, respond
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_S)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except OSError as error:
            log.info("TLS handshake with %s failed: %s", client_address[0], error)
            return
        secured.settimeout(IDLE_S)
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("connection of %s broke", client_address, exc_info=True)

    def run_in_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, name="https", daemon=True)
        thread.start()
        return thread


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = NAME
    sys_version = ""
    server: Server
    wbufsize = -1  # one packet for head and body; flushed by hand

    def version_string(self) -> str:
        return NAME

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        log.debug(format, *args)

    def do_GET(self) -> None:  # the library's name
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def _serve(self) -> None:
        try:
            answer = self.server.respond(self._request())
        except ApiError as error:
            answer = Answer(error.code, error.status())
        except Exception as error:
            log.exception("%s %s", self.command, self.path)
            failure = ApiError(500, "InternalError", f"Internal error occurred: {error!r}")
            answer = Answer(500, failure.status())
        if answer.stream is None:
            self._send(answer)
        else:
            self._stream(answer)

    def _request(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunked_body()
        parts = urlsplit(self.path)
        certificate = self.connection.getpeercert()
        return Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=unquote(parts.path),
            query={key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()},
            headers=self._all_headers(),
            body=body,
            user=self.server.identify(certificate, self.headers.get("Authorization", "")),
        )

    def _all_headers(self) -> dict[str, str]:
        """By lower-case name; the values of a header that comes more than once are joined by commas."""
        names = {name.lower() for name in self.headers}
        return {name: ",".join(self.headers.get_all(name, [])) for name in names}

    def _chunked_body(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Cache-Control", "no-cache, private")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        for warning in answer.warnings:
            text = warning.replace("\\", "\\\\").replace('"', '\\"')
            self.send_header("Warning", f'299 - "{text}"')

    def _send(self, answer: Answer) -> None:
        body = answer.encoded()
        self._head(answer)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _stream(self, answer: Answer) -> None:
        """Send chunks as they come. A client that went away shows by a failing write, and ends the stream."""
        assert answer.stream is not None  # noqa: S101 - the caller looked
        self._head(answer)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for chunk in answer.stream:
                if chunk:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        finally:
            close = getattr(answer.stream, "close", None)
            if close:
                close()
