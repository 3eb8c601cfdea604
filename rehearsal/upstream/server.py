"""Serves the upstream tree over HTTP as package mirrors do: plain files, byte ranges, many clients at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO


class Mirror(SimpleHTTPRequestHandler):
    """Files of one directory; a `Range: bytes=a-b` request (curl's resume, dnf's zchunk) gets 206 (RFC 9110, 14.2)."""

    protocol_version = "HTTP/1.1"
    log_line: Callable[[str], None] = staticmethod(lambda line: None)

    def send_head(self) -> BinaryIO | None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        first, last = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
        if first > last:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if self.command == "GET":
            with path.open("rb") as file:
                file.seek(first)
                self.wfile.write(file.read(last - first + 1))
        return None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        self.log_line(f"{self.address_string()} {format % args}")


def serve(
    directory: Path, address: str, port: int = 80, log: Callable[[str], None] | None = None
) -> ThreadingHTTPServer:
    """Serve `directory` on `address`:`port` from threads of this process; `.shutdown()` ends it."""
    handler = type("LoggedMirror", (Mirror,), {"log_line": staticmethod(log)}) if log else Mirror
    server = ThreadingHTTPServer((address, port), partial(handler, directory=str(directory)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="upstream", daemon=True).start()
    return server
