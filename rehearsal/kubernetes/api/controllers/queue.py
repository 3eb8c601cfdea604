"""A work queue and its thread: a key that is already waiting is not queued twice, a failing one is tried again later.

Stands in for client-go's workqueue. No controller polls: it sleeps until something changes or a moment comes.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from http.client import HTTPException

from ..errors import ApiError

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 30.0
log = logging.getLogger("controllers")


class WorkQueue:
    """Calls `work(key)` for each key added, one at a time."""

    def __init__(self, name: str, work: Callable[[str], None]) -> None:
        self.name = name
        self._work = work
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._failures: dict[str, int] = {}
        self._wake = threading.Condition()

    def add(self, key: str, after_s: float = 0.0) -> None:
        """Work on `key` soon, or after some seconds; the earlier moment wins."""
        moment = time.monotonic() + after_s
        with self._wake:
            if self._due.get(key, moment + 1) <= moment:
                return
            self._due[key] = moment
            heapq.heappush(self._heap, (moment, key))
            self._wake.notify()

    def start(self) -> None:
        threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def _next(self) -> str:
        with self._wake:
            while True:
                now = time.monotonic()
                if self._heap and self._heap[0][0] <= now:
                    moment, key = heapq.heappop(self._heap)
                    if self._due.get(key) == moment:
                        del self._due[key]
                        return key
                    continue
                self._wake.wait(self._heap[0][0] - now if self._heap else None)

    def _run(self) -> None:
        while True:
            key = self._next()
            try:
                self._work(key)
                self._failures.pop(key, None)
            except (ApiError, OSError, HTTPException) as error:
                self._again(key, str(error))
            except Exception:
                log.exception("%s %s", self.name, key)
                self._again(key, "an error of the stand-in itself")

    def _again(self, key: str, why: str) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(FIRST_RETRY_S * 2 ** (count - 1), LAST_RETRY_S)
        log.info("%s %s: %s; again in %.1f s", self.name, key, why, delay)
        self.add(key, delay)


def key_of(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def split_key(key: str) -> tuple[str, str]:
    namespace, _, name = key.partition("/")
    return namespace, name
