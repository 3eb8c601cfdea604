"""Work in threads that Ctrl-C leaves behind, and waiting for it so that Ctrl-C is heard.

On Windows a wait for another thread that has no limit is deaf to Ctrl-C until it is over (Python before 3.14), and so
is leaving a pool, which waits for its threads. So here every wait is many short ones, and the threads are daemons.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import TypeVar

SLICE_S = 0.2  # for so long Ctrl-C may stay unheard

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def start(work: Callable[[], Answer], name: str | None = None) -> Future[Answer]:
    """Begin `work` in a thread of its own; the future has what it returns or raises."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - carried to whoever waits and raised there
            future.set_exception(error)

    Thread(target=run, daemon=True, name=name).start()
    return future


def wait(futures: Collection[Future[Answer]], timeout_s: float = float("inf")) -> None:
    """Return when all of them are done, or after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while (left_s := end - time.monotonic()) > 0:
        if not concurrent.futures.wait(futures, min(SLICE_S, left_s)).not_done:
            return


def result(future: Future[Answer]) -> Answer:
    """What the work returns; raises what it raised."""
    wait([future])
    return future.result()


def each(work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Call `work` for each item, all at once, and return the answers in the items' order.

    All of them end before the first error is raised.
    """
    futures = [start(partial(work, item)) for item in items]
    wait(futures)
    return [future.result() for future in futures]
