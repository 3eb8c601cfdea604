"""Garbage collector: what belongs to an object goes when the object goes.

Stands in for pkg/controller/garbagecollector.

It follows the kinds that the stand-in knows to own or be owned. Owners of other kinds are asked for when needed, so
nothing is deleted by mistake; dependants of other kinds (custom objects) are left where they are.
"""

from __future__ import annotations

import threading
from functools import partial

from ..objects import Obj, dig, is_deleting, name_of, namespace_of, uid_of
from ..paths import PLURALS, collection
from .cluster import KINDS, Cluster, unless_gone

CLUSTER_WIDE = {"Node", "Namespace", "PersistentVolume", "CertificateSigningRequest"}


class GarbageCollector:
    """Keeps who belongs to whom, by uid, and deletes what has lost all its owners."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[str, Obj]] = {}
        self._dependants: dict[str, set[str]] = {}
        self._queue = cluster.queue("garbage-collector", self._reconcile)
        for plural in KINDS:
            if plural not in ("namespaces", "storageclasses"):
                cluster.informer(plural).listen(partial(self._changed, plural))

    def _changed(self, plural: str, before: Obj | None, after: Obj | None) -> None:
        obj = after or before or {}
        uid = uid_of(obj)
        with self._lock:
            for owner in dig(before, "metadata.ownerReferences", []):
                self._dependants.get(owner["uid"], set()).discard(uid)
            if after is None:
                self._objects.pop(uid, None)
            else:
                self._objects[uid] = (plural, obj)
                for owner in dig(after, "metadata.ownerReferences", []):
                    self._dependants.setdefault(owner["uid"], set()).add(uid)
            left_behind = list(self._dependants.get(uid, ())) if after is None else []
        for key in left_behind:
            self._queue.add(key)
        if after is not None and before is None and dig(after, "metadata.ownerReferences"):
            self._queue.add(uid)

    def _reconcile(self, uid: str) -> None:
        with self._lock:
            plural, obj = self._objects.get(uid, ("", {}))
        owners = dig(obj, "metadata.ownerReferences", [])
        if owners and not is_deleting(obj) and not any(self._exists(one, namespace_of(obj)) for one in owners):
            self._delete(plural, obj)

    def _exists(self, owner: Obj, namespace: str) -> bool:
        with self._lock:
            if owner["uid"] in self._objects:
                return True
        plural = PLURALS.get(owner["kind"])
        if plural is None:
            return True
        where = "" if owner["kind"] in CLUSTER_WIDE else namespace
        found = self._cluster.client.find(f"{collection(owner['apiVersion'], plural, where)}/{owner['name']}")
        return found is not None and uid_of(found) == owner["uid"]

    def _path(self, plural: str, obj: Obj) -> str:
        return f"{collection(KINDS[plural], plural, namespace_of(obj))}/{name_of(obj)}"

    def _delete(self, plural: str, obj: Obj) -> None:
        options = {"preconditions": {"uid": uid_of(obj)}}
        unless_gone(lambda: self._cluster.client.delete(self._path(plural, obj), options))
