"""A threading HTTP server that starts at once also where no name server answers."""

from __future__ import annotations

import socketserver
from http.server import ThreadingHTTPServer


class Listener(ThreadingHTTPServer):
    """Without the look-up of its own name in `HTTPServer.server_bind`, which can take ten seconds."""

    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
