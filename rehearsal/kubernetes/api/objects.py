"""Kubernetes objects as plain JSON dictionaries, and the few questions that every part asks of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Obj = dict[str, Any]


def dig(obj: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted `path`, or `default` where any step is missing or null."""
    for step in path.split("."):
        if not isinstance(obj, dict):
            return default
        obj = obj.get(step)
        if obj is None:
            return default
    return obj


def meta(obj: Obj) -> Obj:
    """The object's metadata, created when it is missing."""
    found: Obj = obj.setdefault("metadata", {})
    return found


def name_of(obj: Obj) -> str:
    return str(dig(obj, "metadata.name", ""))


def namespace_of(obj: Obj) -> str:
    return str(dig(obj, "metadata.namespace", ""))


def uid_of(obj: Obj) -> str:
    return str(dig(obj, "metadata.uid", ""))


def labels_of(obj: Obj) -> dict[str, str]:
    found: dict[str, str] = dig(obj, "metadata.labels", {})
    return found


def annotations_of(obj: Obj) -> dict[str, str]:
    found: dict[str, str] = dig(obj, "metadata.annotations", {})
    return found


def is_deleting(obj: Obj) -> bool:
    return dig(obj, "metadata.deletionTimestamp") is not None


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference with `controller: true`, if there is one."""
    owners = dig(obj, "metadata.ownerReferences", [])
    return next((owner for owner in owners if owner.get("controller")), None)


def owner_reference(owner: Obj) -> Obj:
    """The reference that a controller puts into what it makes for `owner`."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Obj, kind: str) -> Obj | None:
    """The status condition of that type, if the object has it."""
    return next((item for item in dig(obj, "status.conditions", []) if item.get("type") == kind), None)


def set_condition(conditions: list[Obj], wanted: Obj) -> list[Obj]:
    """`conditions` with `wanted` in place; its transition time changes only when its status does."""
    old = next((item for item in conditions if item.get("type") == wanted["type"]), None)
    if old and old.get("status") == wanted["status"] and old.get("lastTransitionTime"):
        wanted = {**wanted, "lastTransitionTime": old["lastTransitionTime"]}
    else:
        wanted = {"lastTransitionTime": timestamp(), **wanted}
    if old is None:
        return [*conditions, wanted]
    return [wanted if item is old else item for item in conditions]


def timestamp(moment: datetime | None = None) -> str:
    """RFC 3339 in UTC with whole seconds, the form of metav1.Time."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """A metav1.Time or metav1.MicroTime as an aware datetime; ValueError when it is neither."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def age_seconds(text: str) -> float:
    """Seconds since the moment that `text` names."""
    return (datetime.now(UTC) - parse_time(text)).total_seconds()
