"""What a CustomResourceDefinition says of its objects: fields, types, limits and defaults.

Stands in for the structural schemas of apiextensions-apiserver, as far as openAPIV3Schema has them by name.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from .errors import Cause, bad_value, required, unsupported
from .objects import Obj

COMMON = ("apiVersion", "kind", "metadata")
OPEN = "x-kubernetes-preserve-unknown-fields"
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def unknown(schema: Obj, value: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of fields that the schema does not have."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from unknown(schema.get("items", {}), item, f"{path}[{number}]")
    elif isinstance(value, dict) and not schema.get(OPEN):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            found = _below(schema, name)
            if path == "" and name in COMMON:
                continue
            if found is None:
                yield here
            else:
                yield from unknown(found, inner, here)


def complete(schema: Obj, value: Any) -> None:
    """Fill the defaults in place."""
    if isinstance(value, list):
        for item in value:
            complete(schema.get("items", {}), item)
    elif isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name not in value and "default" in inner:
                value[name] = copy.deepcopy(inner["default"])
        for name, item in value.items():
            complete(_below(schema, name) or {}, item)


def causes(schema: Obj, value: Any, path: str = "") -> Iterator[Cause]:
    """Every value that the schema does not allow."""
    if value is None or schema.get("x-kubernetes-int-or-string"):
        return
    expected = schema.get("type", "")
    if expected and not _is(value, expected):
        found = next((name for name in TYPES if _is(value, name)), "null")
        yield bad_value(path, found, f'{path} in body must be of type {expected}: "{found}"')
        return
    yield from _limits(schema, value, path)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from causes(schema.get("items", {}), item, f"{path}[{number}]")
    elif isinstance(value, dict):
        prefix = f"{path}." if path else ""
        yield from (required(prefix + name) for name in schema.get("required", ()) if name not in value)
        for name, inner in value.items():
            if path or name not in COMMON:
                yield from causes(_below(schema, name) or {}, inner, prefix + name)


def _limits(schema: Obj, value: Any, path: str) -> Iterator[Cause]:
    if "enum" in schema and value not in schema["enum"]:
        yield unsupported(path, value, schema["enum"])
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield bad_value(path, value, f"{path} in body should match '{schema['pattern']}'")
    if "minimum" in schema and value < schema["minimum"]:
        yield bad_value(path, value, f"{path} in body should be greater than or equal to {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        yield bad_value(path, value, f"{path} in body should be less than or equal to {schema['maximum']}")
    for limit, kind in (("minItems", "items"), ("minLength", "chars")):
        if limit in schema and len(value) < schema[limit]:
            why = f"{path} in body should have at least {schema[limit]} {kind}"
            yield bad_value(path, json.dumps(value) if kind == "items" else value, why)


def _below(schema: Obj, name: str) -> Obj | None:
    """The schema of one field; None where there is no such field."""
    found: Obj | bool | None = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
    if found is True or (found is None and schema.get(OPEN)):
        return {OPEN: True}
    return found if isinstance(found, dict) else None


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
