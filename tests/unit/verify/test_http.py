"""Asking a node over HTTP: directly, briefly, and with the trouble in words."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from labkit.verify.nginx import _ask as ask

pytestmark = pytest.mark.network


@pytest.fixture
def answers() -> None:
    """Nothing stands in for HTTP here."""


class Handler(BaseHTTPRequestHandler):
    status, body = 200, b"w1\n"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """An HTTP server on the loopback address."""
    served = HTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {}))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


def test_the_body_is_the_answer_and_no_proxy_of_the_environment_is_asked(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert ask("127.0.0.1", server.server_port) == "w1"


def test_an_error_page_is_no_answer(server: HTTPServer) -> None:
    server.RequestHandlerClass.status = 502  # type: ignore[attr-defined]
    assert ask("127.0.0.1", server.server_port) == "HTTP 502"


def test_a_closed_port_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert re.search("refused|10061", ask("127.0.0.1", port))  # Windows has a number, and the PC's language
