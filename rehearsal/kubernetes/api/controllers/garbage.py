"""Garbage collector: what belongs to an object goes when the object goes.

Stands in for pkg/controller/garbagecollector.

It follows the kinds that the stand-in knows to own or be owned. Owners of other kinds are asked for when needed, so
nothing is deleted by mistake; dependants of other kinds (custom objects) are left where they are.
"""

from __future__ import annotations

import threading
from functools import partial

from ..deletion import FOREGROUND, ORPHAN
from ..objects import Obj, dig, is_deleting, name_of, namespace_of, uid_of
from ..paths import PLURALS, collection
from .cluster import KINDS, Cluster, unless_gone

PLURAL_OF_OWNER = PLURALS | {
    "StatefulSet": "statefulsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "CustomResourceDefinition": "customresourcedefinitions",
}
CLUSTER_WIDE = {"Node", "Namespace", "PersistentVolume", "CertificateSigningRequest", "CustomResourceDefinition"}


class GarbageCollector:
    """Keeps who belongs to whom, by uid, and deletes or frees dependants."""

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
            waiting = [owner["uid"] for owner in dig(obj, "metadata.ownerReferences", [])] if after is None else []
            left_behind = list(self._dependants.get(uid, ())) if after is None else []
        for key in (*waiting, *left_behind):
            self._queue.add(key)
        if after is not None and ((dig(after, "metadata.ownerReferences") and before is None) or is_deleting(after)):
            self._queue.add(uid)

    def _reconcile(self, uid: str) -> None:
        with self._lock:
            plural, obj = self._objects.get(uid, ("", {}))
            dependants = [self._objects[one] for one in self._dependants.get(uid, ()) if one in self._objects]
        if not obj:
            return
        if is_deleting(obj):
            finalizers = dig(obj, "metadata.finalizers", [])
            if FOREGROUND in finalizers:
                self._foreground(plural, obj, dependants)
            if ORPHAN in finalizers:
                self._orphan(plural, obj, dependants)
        elif owners := dig(obj, "metadata.ownerReferences", []):
            self._check_owners(plural, obj, owners)

    def _foreground(self, plural: str, obj: Obj, dependants: list[tuple[str, Obj]]) -> None:
        for kind, one in dependants:
            if not is_deleting(one):
                self._delete(kind, one, "Foreground")
        if not dependants:
            self._drop_finalizer(plural, obj, FOREGROUND)

    def _orphan(self, plural: str, obj: Obj, dependants: list[tuple[str, Obj]]) -> None:
        for kind, one in dependants:
            self._disown(kind, one, {uid_of(obj)})
        self._drop_finalizer(plural, obj, ORPHAN)

    def _check_owners(self, plural: str, obj: Obj, owners: list[Obj]) -> None:
        gone = {one["uid"] for one in owners if not self._exists(one, namespace_of(obj))}
        if len(gone) == len(owners):
            self._delete(plural, obj, "Background")
        elif gone:
            self._disown(plural, obj, gone)

    def _exists(self, owner: Obj, namespace: str) -> bool:
        with self._lock:
            if owner["uid"] in self._objects:
                return True
        plural = PLURAL_OF_OWNER.get(owner["kind"])
        if plural is None:
            return True
        where = "" if owner["kind"] in CLUSTER_WIDE else namespace
        found = self._cluster.client.find(f"{collection(owner['apiVersion'], plural, where)}/{owner['name']}")
        return found is not None and uid_of(found) == owner["uid"]

    def _path(self, plural: str, obj: Obj) -> str:
        return f"{collection(KINDS[plural], plural, namespace_of(obj))}/{name_of(obj)}"

    def _delete(self, plural: str, obj: Obj, policy: str) -> None:
        options = {"propagationPolicy": policy, "preconditions": {"uid": uid_of(obj)}}
        unless_gone(lambda: self._cluster.client.delete(self._path(plural, obj), options))

    def _disown(self, plural: str, obj: Obj, gone: set[str]) -> None:
        kept = [one for one in dig(obj, "metadata.ownerReferences", []) if one["uid"] not in gone]
        change = {"metadata": {"uid": uid_of(obj), "ownerReferences": kept or None}}
        unless_gone(lambda: self._cluster.client.patch(self._path(plural, obj), change))

    def _drop_finalizer(self, plural: str, obj: Obj, name: str) -> None:
        kept = [one for one in dig(obj, "metadata.finalizers", []) if one != name]
        change = {"metadata": {"uid": uid_of(obj), "finalizers": kept or None}}
        unless_gone(lambda: self._cluster.client.patch(self._path(plural, obj), change))
