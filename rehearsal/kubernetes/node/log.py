"""Log lines in klog's form, so that what reads a real kubelet's journal reads this one too."""

from __future__ import annotations

import sys
import threading
import time


def line(level: str, message: str, **details: object) -> None:
    """Print one line; `level` is I, W or E."""
    now = time.time()
    stamp = time.strftime("%m%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    tail = "".join(f' {key}="{value}"' for key, value in details.items())
    print(f'{level}{stamp} {threading.get_native_id():>7} stand-in] "{message}"{tail}', file=sys.stderr, flush=True)


def info(message: str, **details: object) -> None:
    line("I", message, **details)


def warning(message: str, **details: object) -> None:
    line("W", message, **details)


def error(message: str, **details: object) -> None:
    line("E", message, **details)
