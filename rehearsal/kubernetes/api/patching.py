"""Merge patch (RFC 7386), and of Kubernetes' strategic merge patch what a cordon and the controllers send.

Every function returns a new value and leaves its arguments alone.
"""

from __future__ import annotations

import copy
from typing import Any

from .errors import bad_request, not_served
from .objects import Obj
from .schema import UNKNOWN, Field, field


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


def strategic_merge(target: Any, patch: Obj, type_name: str, top: bool = True) -> Obj:
    """Merge `patch` into an object of a known type: its lists with merge keys are merged item by item.

    501 for a directive ($patch, $setElementOrder and the like), which only kubectl's edits on the client's side send.
    """
    result = dict(target) if isinstance(target, dict) else {}
    _refuse_directives(patch)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge_field(result.get(name), value, field(type_name, name, top))
    return result


def _refuse_directives(patch: Obj) -> None:
    for name in patch:
        if name.startswith("$"):
            raise not_served(f"{name} in a strategic merge patch: `kubectl apply --server-side` needs none")


def _merge_field(old: Any, new: Any, known: Field) -> Any:
    if isinstance(new, dict):
        return strategic_merge(old, new, "any" if known is UNKNOWN or known.is_map else known.type, top=False)
    if isinstance(new, list) and known.keys:
        return _merge_list(old or [], new, known)
    if isinstance(new, list) and known.is_set:
        return [*(old or []), *(item for item in new if item not in (old or []))]
    return copy.deepcopy(new)


def _merge_list(old: list[Obj], patch: list[Obj], known: Field) -> list[Obj]:
    key, result = known.keys[0], list(old)
    for item in patch:
        _refuse_directives(item)
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((number for number, one in enumerate(result) if one.get(key) == item[key]), None)
        if place is None:
            result.append(strategic_merge({}, item, known.type, top=False))
        else:
            result[place] = strategic_merge(result[place], item, known.type, top=False)
    return result
