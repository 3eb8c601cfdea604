"""Lists and watches. Stands in for the watch cache's side that clients see."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from queue import Empty

from .exchange import Request
from .objects import Obj, namespace_of
from .operations import Target
from .selection import Selection, selection
from .store import Event, Store, Subscription
from .tables import is_wanted, table

BOOKMARK_S = 50.0
USUAL_S = 420.0
INITIAL_END = "k8s.io/initial-events-end"


def list_objects(store: Store, target: Target, request: Request) -> Obj:
    """The answer to a list: a List, or a Table when kubectl asks for one that there is."""
    chosen = _selection(target, request)
    with store.lock:
        version = str(store.version)
        found = [obj for obj in store.all(target.resource.key, target.namespace) if chosen(obj)]
    if is_wanted(target.resource, request):
        return table(target.resource, found, version)
    return {
        "kind": f"{target.resource.kind}List",
        "apiVersion": target.resource.api_version,
        "metadata": {"resourceVersion": version},
        "items": [as_version(target, obj) for obj in found],
    }


def as_version(target: Target, obj: Obj) -> Obj:
    """A custom object in the version that was asked for; all others have just one."""
    wanted = target.resource.api_version
    return obj if obj["apiVersion"] == wanted else {**obj, "apiVersion": wanted}


def _selection(target: Target, request: Request) -> Selection:
    fields = request.query.get("fieldSelector", "")
    if target.name:
        fields = f"metadata.name={target.name}"
    return selection(target.resource, request.query.get("labelSelector", ""), fields)


def watch(store: Store, target: Target, request: Request) -> Iterator[bytes]:
    """The events of a watch as lines of JSON, until its time is over or the server stops. 410 is raised at once."""
    chosen = _selection(target, request)
    asked = request.query.get("resourceVersion", "")
    initial = request.flag("sendInitialEvents") or (asked in ("", "0") and "sendInitialEvents" not in request.query)
    with store.lock:
        started = store.version
        first = store.all(target.resource.key, target.namespace) if initial else []
        since = None if initial or asked in ("", "0") else int(asked)
        subscription = store.subscribe(target.resource.key, since)
    end = time.monotonic() + float(request.query.get("timeoutSeconds") or USUAL_S)
    writer = _Writer(target, request, chosen)
    return _run(store, target, subscription, writer, [obj for obj in first if chosen(obj)], started, end)


def _run(
    store: Store,
    target: Target,
    subscription: Subscription,
    writer: _Writer,
    first: list[Obj],
    version: int,
    end: float,
) -> Iterator[bytes]:
    try:
        for obj in first:
            yield writer.line("ADDED", obj)
        if writer.wants_initial_end:
            yield writer.bookmark(version, initial_end=True)
        while (left := end - time.monotonic()) > 0:
            try:
                event = subscription.get(timeout=min(left, BOOKMARK_S))
            except Empty:
                if writer.wants_bookmarks and (now := _quiet_version(store, subscription)):
                    yield writer.bookmark(now)
                else:
                    yield b""
                continue
            if event is None:
                return
            if line := writer.event(event):
                yield line
    finally:
        store.unsubscribe(target.resource.key, subscription)


def _quiet_version(store: Store, subscription: Subscription) -> int:
    """The store's version, if everything up to it has been sent; 0 otherwise."""
    with store.lock:
        return store.version if subscription.empty() else 0


class _Writer:
    """Writes events: objects as JSON, to everybody."""

    def __init__(self, target: Target, request: Request, chosen: Callable[[Obj], bool]) -> None:
        self._target = target
        self._chosen = chosen
        self.wants_bookmarks = request.flag("allowWatchBookmarks")
        self.wants_initial_end = request.flag("sendInitialEvents") and self.wants_bookmarks

    def event(self, event: Event) -> bytes:
        """The line for a change, seen through the selectors: what leaves the selection is DELETED for the watcher."""
        was = event.before is not None and self._wanted(event.before)
        now = event.after is not None and self._wanted(event.after)
        if not was and not now:
            return b""
        kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
        if self._target.resource.custom:
            return self.line(kind, event.last)
        return f'{{"type":"{kind}","object":{event.encoded}}}\n'.encode()

    def _wanted(self, obj: Obj) -> bool:
        if self._target.namespace and namespace_of(obj) != self._target.namespace:
            return False
        return self._chosen(obj)

    def line(self, kind: str, obj: Obj) -> bytes:
        obj = as_version(self._target, obj)
        return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"

    def bookmark(self, version: int, initial_end: bool = False) -> bytes:
        metadata: Obj = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {INITIAL_END: "true"}
        resource = self._target.resource
        obj: Obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return json.dumps({"type": "BOOKMARK", "object": obj}, separators=(",", ":")).encode() + b"\n"
