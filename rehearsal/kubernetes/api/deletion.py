"""Deleting: at once, gracefully (pods), or when the last finalizer is gone.

Stands in for the deletion half of the generic registry store. Dependants are the garbage collector's business, in
the controller manager.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .admission import guard_namespace
from .errors import conflict
from .objects import Obj, dig, is_deleting, name_of, namespace_of, timestamp, uid_of
from .resources import Registry, Resource
from .store import Store


def delete(store: Store, registry: Registry, resource: Resource, old: Obj, body: Obj, dry_run: bool) -> Obj:
    """Delete one object as `body` (DeleteOptions) asks; the answer is a Status, or the object that is on its way."""
    guard_namespace(resource, name_of(old))
    with store.lock:
        _check_preconditions(resource, old, body.get("preconditions") or {})
        new = _marked(resource, old, body)
        if new is None or finished(new):
            if not dry_run:
                remove(store, registry, resource, old)
            return _success(resource, old)
        if dry_run or new == old:
            return new
        return store.put(resource.key, new)


def finished(obj: Obj) -> bool:
    """Whether a deleted object has nothing left to wait for."""
    if not is_deleting(obj) or dig(obj, "metadata.finalizers"):
        return False
    if obj["kind"] == "Namespace":
        return not dig(obj, "spec.finalizers")
    return not dig(obj, "metadata.deletionGracePeriodSeconds", 0)


def remove(store: Store, registry: Registry, resource: Resource, obj: Obj) -> None:
    """Take the object out of the store; a definition takes its objects with it."""
    if resource.kind == "CustomResourceDefinition":
        key = (obj["spec"]["group"], obj["spec"]["names"]["plural"])
        for one in store.all(key):
            store.remove(key, namespace_of(one), name_of(one))
        registry.drop_definition(obj)
    store.remove(resource.key, namespace_of(obj), name_of(obj))


def _check_preconditions(resource: Resource, old: Obj, wanted: Obj) -> None:
    for key, name, held in (
        ("uid", "UID", uid_of(old)),
        ("resourceVersion", "ResourceVersion", old["metadata"]["resourceVersion"]),
    ):
        if wanted.get(key) and wanted[key] != held:
            why = f"Precondition failed: {name} in precondition: {wanted[key]}, {name} in object meta: {held}"
            raise conflict(resource.group, resource.plural, name_of(old), why)


def _marked(resource: Resource, old: Obj, body: Obj) -> Obj | None:
    """The object with its deletion noted; None when nothing holds it."""
    grace = _grace_seconds(resource, old, body)
    finalizers = dig(old, "metadata.finalizers", [])
    waiting = grace > 0 or finalizers or (resource.kind == "Namespace" and dig(old, "spec.finalizers"))
    if not waiting:
        return None
    metadata = dict(old["metadata"])
    if is_deleting(old):
        grace = min(grace, dig(old, "metadata.deletionGracePeriodSeconds", 0))
    if not is_deleting(old) or grace < dig(old, "metadata.deletionGracePeriodSeconds", 0):
        metadata["deletionTimestamp"] = timestamp(datetime.now(UTC) + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    new = {**old, "metadata": metadata}
    if resource.kind == "Namespace":
        new["status"] = {**old.get("status", {}), "phase": "Terminating"}
    return new


def _grace_seconds(resource: Resource, old: Obj, body: Obj) -> int:
    """Only pods on a node go gracefully: their kubelet removes them when the processes are gone."""
    if resource.kind != "Pod" or not dig(old, "spec.nodeName"):
        return 0
    if dig(old, "status.phase") in ("Succeeded", "Failed"):
        return 0
    asked = body.get("gracePeriodSeconds")
    return int(dig(old, "spec.terminationGracePeriodSeconds", 30) if asked is None else max(0, asked))


def _success(resource: Resource, old: Obj) -> Obj:
    details = {"name": name_of(old), "kind": resource.plural, "uid": uid_of(old)}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
