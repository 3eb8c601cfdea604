"""An HTTP server in threads that asks no name server for its own name, which the standard library's waits for."""

from __future__ import annotations

import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Bind as TCPServer does; the name is the address."""

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    def start(self, name: str) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, name=name, daemon=True).start()


class Quiet(BaseHTTPRequestHandler):
    """A handler that writes no line for every request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        """Probes come every second: not worth a line."""

    def status(self, code: int) -> None:
        """Answer with a status and nothing else."""
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()
