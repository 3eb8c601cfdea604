"""Create, read, update and patch: what happens to one object, whatever its kind.

Stands in for the generic registry store (k8s.io/apiserver/pkg/registry/generic/registry). Writes hold the store's
lock from reading the old object to writing the new one, so a patch never has to be tried again.
"""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from . import custom_schema, defaults, node_authorizer, unserved, validation
from .admission import Admission
from .deletion import finished, remove
from .errors import already_exists, bad_request, conflict, field_forbidden, invalid, not_found
from .identity import User
from .objects import Obj, dig, is_deleting, meta, name_of, namespace_of, timestamp
from .resources import Registry, Resource
from .store import Store

SYSTEM_META = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")
COUNTED_GROUPS = ("apps", "networking.k8s.io", "policy", "apiextensions.k8s.io")
SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Target:
    """What a request is about."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass
class Options:
    """The query parameters of a write. `warnings` collects what to tell the client besides the answer."""

    user: User
    dry_run: bool = False
    validation: str = "Warn"
    manager: str = ""
    force: bool = False
    warnings: list[str] = field(default_factory=list)


class Operations:
    """Reads and writes of single objects."""

    def __init__(self, store: Store, registry: Registry, admission: Admission) -> None:
        self.store = store
        self.registry = registry
        self.admission = admission

    def get(self, target: Target) -> Obj:
        """The stored object; 404 when there is none."""
        found = self.store.get(target.resource.key, target.namespace, target.name)
        if found is None:
            raise not_found(target.resource.group, target.resource.plural, target.name)
        return found

    def create(self, target: Target, obj: Obj, options: Options) -> Obj:
        """Store a new object and return it as stored; with dry_run, as it would be stored."""
        resource = target.resource
        obj = copy.deepcopy(obj)
        self._accept(target, obj, options)
        with self.store.lock:
            self._name(resource, obj)
            metadata = meta(obj)
            for stale in (*SYSTEM_META, "resourceVersion"):
                metadata.pop(stale, None)
            metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
            if _is_counted(resource):
                metadata["generation"] = 1
            _complete(resource, obj)
            validation.check(resource, obj)
            unserved.check(obj)
            if self.store.get(resource.key, namespace_of(obj), name_of(obj)) is not None:
                raise already_exists(resource.group, resource.plural, name_of(obj))
            self.admission.create(resource, obj, options.user)
            self._first_status(resource, obj)
            return obj if options.dry_run else self._write(resource, obj)

    def update(self, target: Target, obj: Obj, options: Options) -> Obj:
        """Replace an object (or its status); 409 when it names a version that is no longer the stored one."""
        obj = copy.deepcopy(obj)
        self._accept(target, obj, options)
        return self.modify(target, lambda _: obj, options)

    def modify(self, target: Target, change: Callable[[Obj], Obj], options: Options) -> Obj:
        """Write what `change` makes of the stored object. Nothing is written when nothing differs."""
        resource = target.resource
        with self.store.lock:
            old = self.get(target)
            new = copy.deepcopy(change(old))
            self._keep_identity(target, old, new)
            new = _only_status(resource, old, new) if target.subresource == "status" else self._main(target, old, new)
            if new == old:
                return old
            node_authorizer.admit(options.user, resource, "update", old, new)
            validation.check_change(resource, old, new)
            validation.check(resource, new)
            unserved.check(new)
            if _is_counted(resource) and dig(new, "spec") != dig(old, "spec"):
                new["metadata"]["generation"] = dig(old, "metadata.generation", 0) + 1
            if options.dry_run:
                return new
            if finished(new):
                remove(self.store, self.registry, resource, new)
                return new
            return self._write(resource, new)

    def _write(self, resource: Resource, obj: Obj) -> Obj:
        stored = self.store.put(resource.key, obj)
        if resource.kind == "CustomResourceDefinition":
            self.registry.add_definition(stored)
        return stored

    def _accept(self, target: Target, obj: Obj, options: Options) -> None:
        """Check that the object is what the URL says, and its fields."""
        check_type(target.resource, obj)
        metadata = meta(obj)
        if not isinstance(metadata, dict):
            raise bad_request("json: cannot unmarshal into Go struct field ObjectMeta.metadata")
        if target.resource.namespaced:
            if metadata.setdefault("namespace", target.namespace) != target.namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
        else:
            metadata.pop("namespace", None)
        if target.name and metadata.setdefault("name", target.name) != target.name:
            given = metadata["name"]
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({target.name})")
        options.warnings += validation.check_fields(target.resource, obj, options.validation)

    def _name(self, resource: Resource, obj: Obj) -> None:
        """Make a name from generateName; one that is taken is made anew."""
        prefix = dig(obj, "metadata.generateName")
        while prefix and not name_of(obj):
            candidate = prefix + "".join(random.choices(SUFFIX, k=5))  # noqa: S311
            if self.store.get(resource.key, namespace_of(obj), candidate) is None:
                obj["metadata"]["name"] = candidate

    def _first_status(self, resource: Resource, obj: Obj) -> None:
        if "status" not in resource.subresources:
            return
        status = None if resource.custom else defaults.first_status(obj)
        if status is not None:
            obj["status"] = status
        elif resource.custom:
            obj.pop("status", None)

    def _keep_identity(self, target: Target, old: Obj, new: Obj) -> None:
        """Guard version and uid, and put back what only the server sets."""
        resource, metadata = target.resource, meta(new)
        if metadata.get("resourceVersion", "") not in ("", old["metadata"]["resourceVersion"]):
            raise conflict(resource.group, resource.plural, name_of(old))
        if metadata.get("uid", "") not in ("", old["metadata"]["uid"]):
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: "
            raise conflict(resource.group, resource.plural, name_of(old), why + old["metadata"]["uid"])
        if name_of(new) != name_of(old) or namespace_of(new) != namespace_of(old):
            causes = [field_forbidden("metadata.name", "field is immutable")]
            raise invalid(resource.group, resource.kind, name_of(old), causes)
        for name in (*SYSTEM_META, "resourceVersion"):
            if name in old["metadata"]:
                metadata[name] = old["metadata"][name]
            else:
                metadata.pop(name, None)
        new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]

    def _main(self, target: Target, old: Obj, new: Obj) -> Obj:
        """A write to the object itself: its status stays as it was where that is a subresource."""
        if "status" in target.resource.subresources:
            if "status" in old:
                new["status"] = old["status"]
            else:
                new.pop("status", None)
        if target.subresource != "finalize" and is_deleting(old):
            _no_new_finalizers(target.resource, old, new)
        _complete(target.resource, new)
        self.admission.update(target.resource, old, new)
        return new


def _complete(resource: Resource, obj: Obj) -> None:
    if resource.custom:
        custom_schema.complete(resource.schema, obj)
    else:
        defaults.complete(obj)


def check_type(resource: Resource, obj: Obj) -> None:
    """400 when apiVersion or kind are not those of the URL. Missing ones are filled in, as the real decoder does."""
    if not isinstance(obj, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    version = obj.setdefault("apiVersion", resource.api_version)
    kind = obj.setdefault("kind", resource.kind)
    if kind != resource.kind:
        raise bad_request(
            f'{kind} in version "{version.rpartition("/")[2]}" cannot be handled as a {resource.kind}: '
            f'no kind "{kind}" is registered here'
        )
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )


def _is_counted(resource: Resource) -> bool:
    return resource.custom or resource.group in COUNTED_GROUPS or resource.kind == "Pod"


def _only_status(resource: Resource, old: Obj, new: Obj) -> Obj:
    """A write to `status`: nothing else changes, except the labels and annotations of nodes and pods."""
    result = {**old, "metadata": dict(old["metadata"])}
    if "status" in new:
        result["status"] = new["status"]
    if resource.kind in ("Node", "Pod"):
        for part in ("labels", "annotations"):
            if part in new["metadata"]:
                result["metadata"][part] = new["metadata"][part]
    if "managedFields" in new["metadata"]:
        result["metadata"]["managedFields"] = new["metadata"]["managedFields"]
    return result


def _no_new_finalizers(resource: Resource, old: Obj, new: Obj) -> None:
    added = set(dig(new, "metadata.finalizers", [])) - set(dig(old, "metadata.finalizers", []))
    if added:
        detail = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
        raise invalid(resource.group, resource.kind, name_of(old), [field_forbidden("metadata.finalizers", detail)])
