"""Wait for SIGTERM or SIGINT, the way a static pod is stopped."""

from __future__ import annotations

import signal
import threading


def until_stopped() -> None:
    """Sleep until the process is asked to end."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
