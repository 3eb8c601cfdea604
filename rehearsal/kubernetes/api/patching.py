"""JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch of Kubernetes.

Every function returns a new value and leaves its arguments alone.
"""

from __future__ import annotations

import copy
from typing import Any

from .errors import ApiError, bad_request
from .objects import Obj
from .schema import UNKNOWN, Field, field

DIRECTIVES = ("$patch", "$retainKeys")


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, mappings merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(target: Obj, operations: Any) -> Obj:
    """RFC 6902; 422 when a path is missing or a test fails, as the real server answers."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = copy.deepcopy(target)
    for operation in operations:
        document = _operate(document, operation)
    return dict(document)


def _operate(document: Any, operation: Obj) -> Any:
    kind, path = operation.get("op"), _pointer(operation.get("path", ""))
    if kind in ("move", "copy"):
        value = copy.deepcopy(_walk(document, _pointer(operation["from"])))
        if kind == "move":
            document = _change(document, _pointer(operation["from"]), "remove", None)
        return _change(document, path, "add", value)
    if kind == "test":
        if _walk(document, path) != operation.get("value"):
            raise _unprocessable(f"testing path {operation['path']} failed")
        return document
    if kind not in ("add", "remove", "replace"):
        raise _unprocessable(f"Unexpected kind: {kind}")
    return _change(document, path, kind, operation.get("value"))


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _walk(document: Any, path: list[str]) -> Any:
    for part in path:
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise _unprocessable(f"the path /{'/'.join(path)} does not exist: missing value") from error
    return document


def _change(document: Any, path: list[str], kind: str, value: Any) -> Any:
    if not path:
        return value
    parent, last = _walk(document, path[:-1]), path[-1]
    if kind != "add":
        _walk(parent, [last])
    if isinstance(parent, list):
        number = len(parent) if last == "-" else int(last)
        if kind == "add":
            parent.insert(number, value)
        elif kind == "remove":
            del parent[number]
        else:
            parent[number] = value
    elif kind == "remove":
        del parent[last]
    else:
        parent[last] = value
    return document


def _unprocessable(why: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}")


def strategic_merge(target: Obj, patch: Obj, type_name: str) -> Obj:
    """Merge `patch` into an object of a known type: its lists with merge keys are merged item by item."""
    return _merge_struct(target, patch, type_name, top=True)


def _merge_struct(target: Any, patch: Obj, type_name: str, top: bool = False) -> Obj:
    if patch.get("$patch") == "replace":
        return {name: copy.deepcopy(value) for name, value in patch.items() if name not in DIRECTIVES}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name in DIRECTIVES or name.startswith("$setElementOrder/"):
            continue
        if name.startswith("$deleteFromPrimitiveList/"):
            plain = name.partition("/")[2]
            result[plain] = [item for item in result.get(plain, []) if item not in value]
        elif value is None:
            result.pop(name, None)
        else:
            order = patch.get(f"$setElementOrder/{name}")
            result[name] = _merge_field(result.get(name), value, field(type_name, name, top), order)
    return result


def _merge_field(old: Any, new: Any, known: Field, order: list[Any] | None) -> Any:
    if isinstance(new, dict):
        inner = "any" if known is UNKNOWN or known.is_map else known.type
        return _merge_struct(old, new, inner)
    if isinstance(new, list) and known.keys:
        return _merge_list(old or [], new, known, order)
    if isinstance(new, list) and known.is_set:
        merged = [*(old or []), *(item for item in new if item not in (old or []))]
        return [item for item in (order or []) if item in merged] or merged
    return copy.deepcopy(new)


def _merge_list(old: list[Obj], patch: list[Obj], known: Field, order: list[Obj] | None) -> list[Obj]:
    key = known.keys[0]
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if item.get("$patch") != "replace"]
    result = list(old)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((number for number, one in enumerate(result) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            result = [one for one in result if one.get(key) != item[key]]
        elif place is None:
            result.append(_merge_struct({}, item, known.type))
        else:
            result[place] = _merge_struct(result[place], item, known.type)
    return _ordered(result, key, [one.get(key) for one in order]) if order else result


def _ordered(items: list[Obj], key: str, order: list[Any]) -> list[Obj]:
    """Items named in `order` in that order; the others stay behind them."""
    rank = {value: number for number, value in enumerate(order)}
    return sorted(items, key=lambda item: rank.get(item.get(key), len(rank)))
