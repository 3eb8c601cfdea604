"""The kubelet's two doors: health on 127.0.0.1:10248, and logs over TLS on 10250 for the API server's certificate."""

from __future__ import annotations

import ssl
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import x509
from .httpd import Quiet, Server
from .paths import KUBELET_PKI, LOGS, real, write

ALLOWED = {"kube-apiserver-kubelet-client"}
ALLOWED_GROUPS = {"system:masters", "kubeadm:cluster-admins"}


class Health(Quiet):
    """ok, for whoever asks on the machine itself."""

    def do_GET(self) -> None:  # noqa: N802  # the library's name
        body = b"ok"
        self.send_response(200 if self.path.startswith("/healthz") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Logs(Health):
    """/containerLogs/NAMESPACE/POD/CONTAINER, for the API server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802  # the library's name
        if not self._allowed():
            self._answer(403, b"Forbidden (the client certificate is not the API server's)")
            return
        parts = urlsplit(self.path)
        words = parts.path.strip("/").split("/")
        if words[0] == "containerLogs" and len(words) == 4:
            self._logs(words[1], words[2], words[3], {key: values[-1] for key, values in parse_qs(parts.query).items()})
        else:
            self._answer(404, b"404 page not found")

    def _allowed(self) -> bool:
        certificate: Any = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        subject = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
        names = {value for key, value in subject if key == "commonName"}
        groups = {value for key, value in subject if key == "organizationName"}
        return bool(names & ALLOWED or groups & ALLOWED_GROUPS)

    def _logs(self, namespace: str, pod: str, container: str, query: dict[str, str]) -> None:
        file = log_file(namespace, pod, container)
        if file is None:
            self._answer(404, f'container "{container}" in pod "{pod}" is not available'.encode())
            return
        self._answer(200, read_log(file, query))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def log_file(namespace: str, pod: str, container: str) -> Path | None:
    """The newest log of the container."""
    files = real(LOGS).glob(f"{namespace}_{pod}_*/{container}/*.log")
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def read_log(file: Path, query: dict[str, str]) -> bytes:
    """The log, or its last `tailLines`."""
    data = file.read_bytes()
    if "tailLines" not in query:
        return data
    count = int(query["tailLines"])
    return b"".join(data.splitlines(keepends=True)[-count:] if count else [])


def serve_health(address: str, port: int) -> Server:
    """Start answering /healthz. Raises OSError when the port is taken."""
    server = Server((address, port), Health)
    server.start("healthz")
    return server


def serve_logs(port: int, client_ca: str, node: str, address: str) -> Server:
    """Start the kubelet's API. Its own certificate is self-signed, as the real one's is by default."""
    certificate, key = real(f"{KUBELET_PKI}/kubelet.crt"), real(f"{KUBELET_PKI}/kubelet.key")
    if not certificate.exists():
        ca = x509.authority(f"{node}-ca", timedelta(days=365), "ECDSA-P256")
        pair = x509.issue(
            ca,
            x509.name(f"{node}@{int(time.time())}"),
            timedelta(days=365),
            server=True,
            names=[node, address],
            algorithm="ECDSA-P256",
        )
        write(certificate, pair.certificate_pem + ca.certificate_pem, 0o644)
        write(key, pair.key_pem, 0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(real(client_ca))
    context.verify_mode = ssl.CERT_OPTIONAL
    server = _TlsServer(("0.0.0.0", port), Logs, context)
    server.start("server")
    return server


class _TlsServer(Server):
    """TLS is shaken hands on in the connection's own thread, so that a silent client holds up nobody."""

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext
    ) -> None:
        self.context = context
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(30)
        try:
            wrapped = self.context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        with wrapped:
            super().finish_request(wrapped, client_address)
