"""The objects in memory, their versions, and who watches them. Stands in for etcd and the API server's watch cache.

Stored objects are never changed in place: a write puts a new dictionary there. Readers may keep what they got but must
not alter it. One lock guards everything; a change and its log record are one step under it.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue
from typing import Any

from .disk import Disk
from .errors import expired, shutting_down
from .objects import Obj, name_of, namespace_of
from .resources import StoreKey

Place = tuple[str, str]
HISTORY = 1000


@dataclass(frozen=True)
class Event:
    """One change: what the object was before (None: new) and is now (None: gone)."""

    version: int
    before: Obj | None
    after: Obj | None

    @cached_property
    def last(self) -> Obj:
        """The object to show: as it is, or, when it is gone, as it was, with the version of its removal."""
        if self.after is not None:
            return self.after
        before = self.before or {}
        return {**before, "metadata": {**before.get("metadata", {}), "resourceVersion": str(self.version)}}

    @cached_property
    def encoded(self) -> str:
        """`last` as JSON, made once for all watchers."""
        return json.dumps(self.last, separators=(",", ":"))


class Subscription(SimpleQueue[Event | None]):
    """The events of one kind since a version; None means: the server is stopping."""


class Store:
    """All objects of the cluster."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self._disk = disk
        self._closed = False
        self._objects: dict[StoreKey, dict[Place, Obj]] = defaultdict(dict)
        self._history: dict[StoreKey, deque[Event]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self._watchers: dict[StoreKey, list[Subscription]] = defaultdict(list)
        if disk:
            self._restore(disk)
        self._oldest = self.version

    def get(self, key: StoreKey, namespace: str, name: str) -> Obj | None:
        with self.lock:
            return self._objects[key].get((namespace, name))

    def all(self, key: StoreKey, namespace: str = "") -> list[Obj]:
        """All objects of a kind, of one namespace when it is given, in the order of their names."""
        with self.lock:
            places = self._objects[key]
            chosen = sorted(place for place in places if not namespace or place[0] == namespace)
            return [places[place] for place in chosen]

    def put(self, key: StoreKey, obj: Obj) -> Obj:
        """Store `obj` (new or changed) under the next version, tell the watchers, return what was stored."""
        with self.lock:
            place = (namespace_of(obj), name_of(obj))
            before = self._objects[key].get(place)
            stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version + 1)}}
            self._record({"op": "put", "key": list(key), "object": stored})
            self._objects[key][place] = stored
            self._publish(key, before, stored)
            return stored

    def remove(self, key: StoreKey, namespace: str, name: str) -> None:
        """Take an object away for good."""
        with self.lock:
            before = self._objects[key].get((namespace, name))
            if before is None:
                return
            self._record({"op": "remove", "key": list(key), "place": [namespace, name]})
            del self._objects[key][(namespace, name)]
            self._publish(key, before, None)

    def subscribe(self, key: StoreKey, since: int | None) -> Subscription:
        """Follow a kind. `since`: replay what came after that version; None: from now on. 410 when it is too old."""
        with self.lock:
            subscription = Subscription()
            if since is not None:
                for event in self._since(key, since):
                    subscription.put(event)
            self._watchers[key].append(subscription)
            return subscription

    def unsubscribe(self, key: StoreKey, subscription: Subscription) -> None:
        with self.lock:
            self._watchers[key].remove(subscription)

    def close(self) -> None:
        """End every watch and close the files; what is written later is refused, not lost."""
        with self.lock:
            self._closed = True
            for watchers in self._watchers.values():
                for watcher in watchers:
                    watcher.put(None)
            if self._disk:
                self._disk.compact(self._snapshot())
                self._disk.close()
                self._disk = None

    def _since(self, key: StoreKey, since: int) -> list[Event]:
        history = self._history[key]
        full = len(history) == HISTORY
        oldest = history[0].version if full else self._oldest
        if since < oldest - 1 or since < self._oldest:
            raise expired(since, oldest)
        return [event for event in history if event.version > since]

    def _publish(self, key: StoreKey, before: Obj | None, after: Obj | None) -> None:
        event = Event(self.version, before, after)
        self._history[key].append(event)
        for watcher in self._watchers[key]:
            watcher.put(event)

    def _record(self, record: dict[str, Any]) -> None:
        if self._closed:
            raise shutting_down()
        self.version += 1
        if self._disk:
            self._disk.append({"version": self.version, **record})
            if self._disk.is_due:
                # The record just written is not applied yet: it goes into the fresh log after the snapshot.
                self.version -= 1
                self._disk.compact(self._snapshot())
                self.version += 1
                self._disk.append({"version": self.version, **record})

    def _snapshot(self) -> dict[str, Any]:
        kinds = [[*key, list(places.values())] for key, places in self._objects.items() if places]
        return {"version": self.version, "kinds": kinds}

    def _restore(self, disk: Disk) -> None:
        snapshot, records = disk.load()
        self.version = snapshot.get("version", 1)
        for group, plural, objects in snapshot.get("kinds", []):
            self._objects[(group, plural)] = {(namespace_of(obj), name_of(obj)): obj for obj in objects}
        for record in records:
            if record["version"] > self.version:
                self._replay(record)
        disk.compact(self._snapshot())

    def _replay(self, record: dict[str, Any]) -> None:
        self.version = record["version"]
        group, plural = record["key"]
        if record["op"] == "put":
            obj = record["object"]
            self._objects[(group, plural)][(namespace_of(obj), name_of(obj))] = obj
        else:
            namespace, name = record["place"]
            self._objects[(group, plural)].pop((namespace, name), None)
