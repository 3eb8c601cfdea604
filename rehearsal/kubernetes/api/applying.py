"""Server-side apply: a manager says which fields it wants, and owns them from then on.

Stands in for structured-merge-diff. Ownership is kept in metadata.managedFields in the real FieldsV1 form, but only
for managers that apply; what an update changes is not tracked, so such a field conflicts with nobody.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from .errors import ApiError
from .objects import Obj, dig, timestamp
from .schema import UNKNOWN, Field, field

FieldSet = dict[str, Any]
IDENTITY = ("apiVersion", "kind")
UNOWNED_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


def apply(live: Obj, wanted: Obj, type_name: str, manager: str, force: bool) -> Obj:
    """`live` with what `manager` wants; what it wanted before and no longer does is removed. 409 on a conflict.

    live: the stored object, or {} when there is none. wanted: the applied manifest.
    """
    mine = field_set(wanted, type_name)
    entries = dig(live, "metadata.managedFields", [])
    before = next((dict(one["fieldsV1"]) for one in entries if _is_mine(one, manager)), {})
    others = [one for one in entries if one.get("operation") == "Apply" and not _is_mine(one, manager)]
    contested = {one["manager"]: _contested(live, wanted, mine, one["fieldsV1"], type_name) for one in others}
    contested = {name: paths for name, paths in contested.items() if paths}
    if contested and not force:
        raise _conflict(contested)
    gone = _minus(before, mine)
    for other in others:
        gone = _minus(gone, other["fieldsV1"])
    merged = _merge(_without(live, gone, type_name, top=True), wanted, type_name, top=True)
    return _with_owner(merged, entries, manager, mine, wanted.get("apiVersion", ""), live)


def field_set(wanted: Obj, type_name: str) -> FieldSet:
    """The FieldsV1 of a manifest: `f:name` for fields, `k:{...}` for items of keyed lists, `v:...` for sets."""
    result = _fields(wanted, type_name, top=True)
    for name in IDENTITY:
        result.pop(f"f:{name}", None)
    metadata = result.get("f:metadata", {})
    for name in UNOWNED_META:
        metadata.pop(f"f:{name}", None)
    if not metadata:
        result.pop("f:metadata", None)
    return result


def _is_mine(entry: Obj, manager: str) -> bool:
    return bool(entry.get("operation") == "Apply" and entry.get("manager") == manager)


def _item_key(item: Obj, known: Field) -> str:
    keys = {key: item.get(key, "TCP" if key == "protocol" else None) for key in known.keys}
    return "k:" + json.dumps(keys, separators=(",", ":"), sort_keys=True)


def _fields(value: Obj, type_name: str, top: bool = False) -> FieldSet:
    result: FieldSet = {}
    for name, inner in value.items():
        known = field(type_name, name, top)
        if isinstance(inner, dict) and inner:
            result[f"f:{name}"] = _fields(inner, "any" if known.is_map else known.type)
        elif isinstance(inner, list) and known.keys:
            items = {_item_key(item, known): {".": {}, **_fields(item, known.type)} for item in inner}
            result[f"f:{name}"] = items
        elif isinstance(inner, list) and known.is_set:
            result[f"f:{name}"] = {"v:" + json.dumps(item): {} for item in inner}
        else:
            result[f"f:{name}"] = {}
    return result


def _minus(first: FieldSet, second: FieldSet) -> FieldSet:
    """What is owned in `first` and not in `second`."""
    result: FieldSet = {}
    for name, inner in first.items():
        if name not in second:
            result[name] = inner
        elif rest := _minus(inner, second[name]):
            result[name] = rest
    return result


def _without(value: Any, gone: FieldSet, type_name: str, top: bool = False) -> Any:
    """`value` without the fields in `gone`."""
    result = dict(value)
    for label, inner in gone.items():
        name = label[2:]
        if not label.startswith("f:") or name not in result:
            continue
        known, held = field(type_name, name, top), result[name]
        if isinstance(held, list) and known.keys:
            result[name] = _items_without(held, inner, known)
        elif isinstance(held, list) and known.is_set:
            result[name] = [item for item in held if "v:" + json.dumps(item) not in inner]
        elif isinstance(held, dict) and inner:
            result[name] = _without(held, inner, "any" if known.is_map else known.type)
        else:
            result[name] = None
        if not result[name] and result[name] not in (0, False, ""):
            del result[name]
    return result


def _items_without(items: list[Obj], gone: FieldSet, known: Field) -> list[Obj]:
    kept = []
    for item in items:
        lost = gone.get(_item_key(item, known))
        if lost is None:
            kept.append(item)
        elif "." not in lost:
            kept.append(_without(item, lost, known.type))
    return kept


def _merge(live: Any, wanted: Obj, type_name: str, top: bool = False) -> Obj:
    result = dict(live) if isinstance(live, dict) else {}
    for name, value in wanted.items():
        known = field(type_name, name, top)
        if isinstance(value, dict):
            inner = "any" if known is UNKNOWN or known.is_map else known.type
            result[name] = _merge(result.get(name), value, inner)
        elif isinstance(value, list) and known.keys:
            result[name] = _merge_items(result.get(name) or [], value, known)
        elif isinstance(value, list) and known.is_set:
            held = result.get(name) or []
            result[name] = [*held, *(item for item in value if item not in held)]
        elif value is not None:
            result[name] = copy.deepcopy(value)
    return result


def _merge_items(live: list[Obj], wanted: list[Obj], known: Field) -> list[Obj]:
    held = {_item_key(item, known): item for item in live}
    named = {_item_key(item, known): item for item in wanted}
    first = [_merge(held.get(key, {}), item, known.type) for key, item in named.items()]
    return [*first, *(item for key, item in held.items() if key not in named)]


def _contested(live: Any, wanted: Any, mine: FieldSet, theirs: FieldSet, type_name: str, path: str = "") -> list[str]:
    """The paths that another manager owns and that would get another value; an empty list or map changes nothing."""
    found = []
    for label in mine.keys() & theirs.keys():
        if label == ".":
            continue
        here, inside = (live or {}), wanted
        if label.startswith("f:"):
            here, inside = _child(here, label[2:]), _child(wanted, label[2:])
        elif label.startswith("k:"):
            here, inside = _item(here, label), _item(wanted, label)
        if mine[label] and theirs[label]:
            found += _contested(here, inside, mine[label], theirs[label], type_name, f"{path}{_shown(label)}")
        elif here != inside and inside not in ([], {}):
            found.append(f"{path}{_shown(label)}")
    return sorted(found)


def _child(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _item(value: Any, label: str) -> Any:
    keys = json.loads(label[2:])
    items = value if isinstance(value, list) else []
    return next((item for item in items if all(item.get(k) == v for k, v in keys.items() if k != "protocol")), None)


def _shown(label: str) -> str:
    return f".{label[2:]}" if label.startswith("f:") else f"[{label[2:]}]"


def _conflict(contested: dict[str, list[str]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": path}
        for manager, paths in contested.items()
        for path in paths
    ]
    count = f"{len(causes)} conflict{'s' if len(causes) > 1 else ''}"
    who = ", ".join(f'conflict with "{manager}": {", ".join(paths)}' for manager, paths in contested.items())
    return ApiError(409, "Conflict", f"Apply failed with {count}: {who}", {"causes": causes})


def _with_owner(merged: Obj, entries: list[Obj], manager: str, mine: FieldSet, api_version: str, live: Obj) -> Obj:
    """Write the manager's entry; it keeps its time while nothing changes, so that a diff stays empty."""
    old = next((one for one in entries if _is_mine(one, manager)), None)
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": api_version,
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": mine,
    }
    if old and old["fieldsV1"] == mine and old["apiVersion"] == api_version:
        entry["time"] = old["time"]
    kept = [one for one in entries if not _is_mine(one, manager)]
    metadata = {**merged.get("metadata", {}), "managedFields": [*kept, entry]}
    return {**merged, "metadata": metadata}
