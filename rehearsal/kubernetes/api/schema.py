"""What is known of the kinds' fields (fields.yaml): for strict validation and for merging lists by their keys.

Stands in for the OpenAPI definitions and the `patchMergeKey` tags of the real types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import custom_schema
from .objects import Obj
from .resources import Resource

_LIST = re.compile(r"^\[(\*|\w+)(?: by ([\w+]+))?\]$")


@dataclass(frozen=True)
class Field:
    """What one field holds: a type's name ("" when it is plain), and, for lists, how items are told apart."""

    type: str = ""
    is_list: bool = False
    is_map: bool = False
    is_set: bool = False
    keys: tuple[str, ...] = ()


UNKNOWN = Field("any")
_TOP = {"apiVersion": Field(), "kind": Field(), "metadata": Field("ObjectMeta")}


def _parse(text: str) -> Field:
    if found := _LIST.match(text):
        if found[1] == "*":
            return Field(is_list=True, is_set=True)
        return Field(found[1], is_list=True, keys=tuple(found[2].split("+")) if found[2] else ())
    if text.startswith("{"):
        return Field(text.strip("{}"), is_map=True)
    return Field(text)


def _load() -> dict[str, dict[str, Field]]:
    raw = yaml.safe_load((Path(__file__).parent / "fields.yaml").read_text(encoding="utf-8"))
    types = {}
    for name, listed in raw.items():
        plain = {one: Field() for one in listed.get(".", "").split()}
        types[name] = plain | {one: _parse(text) for one, text in listed.items() if one != "."}
    return types


_TYPES = _load()


def type_of(resource: Resource) -> str:
    """The name of the resource's type in fields.yaml; "any" when its fields are not known."""
    return resource.kind if not resource.custom and resource.kind in _TYPES else "any"


def field(type_name: str, name: str, top: bool = False) -> Field:
    """What `name` is in a structure of that type; at the `top` of an object the common fields are known too."""
    if top and name in _TOP:
        return _TOP[name]
    return _TYPES.get(type_name, {}).get(name, UNKNOWN)


def unknown_fields(resource: Resource, obj: Obj) -> list[str]:
    """The dotted paths of fields that the resource does not have, in the order in which they stand."""
    if resource.custom:
        return list(custom_schema.unknown(resource.schema, obj))
    return list(_unknown(type_of(resource), obj, "", top=True))


def _unknown(type_name: str, value: Any, path: str, top: bool = False) -> Iterator[str]:
    known = _TYPES.get(type_name)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        found = field(type_name, name, top)
        here = f"{path}.{name}" if path else name
        if known is not None and name not in known and not (top and name in _TOP):
            yield here
        elif found.is_list and isinstance(inner, list):
            for number, item in enumerate(inner):
                yield from _unknown(found.type, item, f"{here}[{number}]")
        elif found.is_map and isinstance(inner, dict):
            for key, item in inner.items():
                yield from _unknown(found.type, item, f"{here}.{key}")
        elif found.type:
            yield from _unknown(found.type, inner, here)
