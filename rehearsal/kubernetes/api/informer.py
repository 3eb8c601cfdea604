"""A local copy of one kind, kept current by list and watch. Stands in for client-go's reflector and shared informer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from http.client import GONE, HTTPException

from .client import Client
from .errors import ApiError
from .objects import Obj, name_of, namespace_of

RETRY_S = 1.0
log = logging.getLogger("informer")

Changed = Callable[[Obj | None, Obj | None], None]


class Informer:
    """Objects by (namespace, name). `changed(before, after)` is called in the informer's thread for every change."""

    def __init__(self, client: Client, path: str, changed: Changed | None = None, **query: str) -> None:
        self.path = path
        self._client = client
        self._query = query
        self._listeners: list[Changed] = [changed] if changed else []
        self._objects: dict[tuple[str, str], Obj] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._complained = False
        self.synced = threading.Event()

    def listen(self, changed: Changed) -> None:
        """Call `changed` too; to be used before `start`."""
        self._listeners.append(changed)

    def start(self) -> None:
        threading.Thread(target=self._run, name=self.path, daemon=True).start()

    def stop(self) -> None:
        """End after the current watch event; nothing waits for it."""
        self._stopped.set()

    def get(self, namespace: str, name: str) -> Obj | None:
        with self._lock:
            return self._objects.get((namespace, name))

    def all(self, namespace: str = "") -> list[Obj]:
        """All objects, in the order of their names; of one namespace when it is given."""
        with self._lock:
            found = sorted(self._objects.items())
        return [obj for place, obj in found if not namespace or place[0] == namespace]

    def _run(self) -> None:
        version = ""
        while not self._stopped.is_set():
            try:
                version = version or self._list()
                version = self._follow(version)
                self._complained = False
            except ApiError as error:
                version = ""
                if error.code != GONE:
                    self._wait_after(error)
            except (OSError, HTTPException, ValueError) as error:
                version = ""
                self._wait_after(error)

    def _wait_after(self, error: Exception) -> None:
        """Say it once, not every second, until it works again."""
        if not self._complained:
            log.info("%s: %s; trying again every second", self.path, error)
        self._complained = True
        time.sleep(RETRY_S)

    def _list(self) -> str:
        listed = self._client.get(self.path, **self._query)
        fresh = {(namespace_of(obj), name_of(obj)): obj for obj in listed["items"]}
        with self._lock:
            gone = [obj for place, obj in self._objects.items() if place not in fresh]
        for obj in gone:
            self._apply(obj, deleted=True)
        for obj in fresh.values():
            self._apply(obj, deleted=False)
        self.synced.set()
        return str(listed["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> str:
        for event in self._client.watch(self.path, version, query=self._query):
            if self._stopped.is_set():
                break
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._apply(event["object"], deleted=event["type"] == "DELETED")
        return version

    def _apply(self, obj: Obj, *, deleted: bool) -> None:
        place = (namespace_of(obj), name_of(obj))
        with self._lock:
            before = self._objects.get(place)
            if deleted:
                self._objects.pop(place, None)
            else:
                self._objects[place] = obj
        if not deleted and before and before["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]:
            return
        for listener in self._listeners:
            listener(before, None if deleted else obj)
