"""etcd's place: the process that owns the data folder. The API server's process writes the data itself."""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .flags import Flags
from .listener import Listener
from .stopping import until_stopped

log = logging.getLogger("etcd")


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        body = b'{"health":"true","reason":""}\n'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        log.debug(format, *args)


def run(flags: Flags) -> int:
    """Hold the lock and the ports until stopped; 1 when another process owns the folder."""
    folder = Path(flags.text("data-dir"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.error("cannot open database: another etcd process is using %s and holds the file lock", folder)
            return 1
        for url in flags.text("listen-client-urls").split(","):
            _accept(url)
        for url in flags.text("listen-metrics-urls").split(","):
            place = urlsplit(url)
            health = Listener((place.hostname or "127.0.0.1", place.port or 2381), _Health)
            threading.Thread(target=health.serve_forever, daemon=True).start()
        log.info("stand-in for etcd owns %s", folder)
        until_stopped()
    return 0


def _accept(url: str) -> None:
    """Answer connections on a client port by closing them: enough to see that the process is there."""
    place = urlsplit(url)
    listener = socket.create_server((place.hostname or "127.0.0.1", place.port or 2379))

    def serve() -> None:
        while True:
            listener.accept()[0].close()

    threading.Thread(target=serve, daemon=True).start()
