"""Strict decoding of the kinds that kubeadm reads: an unknown field or kind is refused with the decoder's own words.

A schema is a mapping of field names to a type: `str`, `bool`, `int`, `object` (anything), `"duration"`, a nested
mapping, or a one-element list of one of these.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from .kinds import KINDS

Schema = Any
DURATION = re.compile(r"^(0|-?(\d+(\.\d+)?(h|m|s|ms|us|µs|ns))+)$")
GO_NAMES = {bool: "bool", int: "int32", str: "string"}


class ConfigError(Exception):
    """A configuration that kubeadm does not take; the text is its message."""


class UniqueKeys(yaml.SafeLoader):
    """YAML in which no mapping names a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(
                    f'error converting YAML to JSON: yaml: line {line}: key "{key.value}" already set in map'
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a file, each checked strictly. Raises ConfigError."""
    try:
        parts = list(yaml.load_all(text, Loader=UniqueKeys))
    except yaml.YAMLError as error:
        raise ConfigError(f"error converting YAML to JSON: yaml: {' '.join(str(error).split())}") from None
    return [checked(part) for part in parts if part is not None]


def checked(document: Any) -> dict[str, Any]:
    """`document` when its kind is known and every field is one of that kind's. Raises ConfigError."""
    if not isinstance(document, dict):
        raise ConfigError("invalid configuration: kind and apiVersion is mandatory information that must be specified")
    version, kind = document.get("apiVersion"), document.get("kind")
    if not version or not kind:
        raise ConfigError("invalid configuration: kind and apiVersion is mandatory information that must be specified")
    schema = KINDS.get((version, kind))
    if schema is None:
        raise ConfigError(_unknown_kind(version, kind))
    errors: list[str] = []
    body = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
    _walk(body, schema, "", errors)
    if errors:
        group, _, short = version.partition("/")
        gvk = f'schema.GroupVersionKind{{Group:"{group}", Version:"{short}", Kind:"{kind}"}}'
        raise ConfigError(f"error unmarshaling configuration {gvk}: strict decoding error: {', '.join(errors)}")
    return document


def _unknown_kind(version: str, kind: str) -> str:
    group, _, short = version.partition("/")
    if group == "kubeadm.k8s.io" and re.fullmatch(r"v1(alpha[123]|beta[123])", short):
        if short != "v1beta3":
            return (f'your configuration file uses an old API spec: "{version}" (kind: "{kind}"). Please use '
                    f'kubeadm v1.22 instead '
                    "and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', "
                    "which will write the "
                    "new, similar spec using a newer API version.")  # fmt: skip
        return (
            f'your configuration file uses a deprecated API spec: "{version}" (kind: "{kind}"), which this '
            f"stand-in no longer "
            "reads. Please use 'kubeadm config migrate --old-config old-config-file --new-config "
            "new-config-file'."
        )
    return (
        f'no kind "{kind}" is registered for version "{version}" in scheme '
        f'"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"'
    )


def _walk(value: Any, schema: Schema, path: str, errors: list[str]) -> None:
    if value is None or schema is object:
        return
    if isinstance(schema, dict):
        _walk_mapping(value, schema, path, errors)
    elif isinstance(schema, list):
        if not isinstance(value, list):
            errors.append(
                f"json: cannot unmarshal {_json_name(value)} into Go struct field {path} of type "
                f"[]{_go_name(schema[0])}"
            )
            return
        for index, item in enumerate(value):
            _walk(item, schema[0], f"{path}[{index}]", errors)
    elif not _fits(value, schema):
        if schema == "duration" and isinstance(value, str):
            errors.append(f'time: invalid duration "{value}" in field "{path}"')
            return
        errors.append(
            f"json: cannot unmarshal {_json_name(value)} into Go struct field {path} of type {_go_name(schema)}"
        )


def _walk_mapping(value: Any, schema: dict[str, Schema], path: str, errors: list[str]) -> None:
    if not isinstance(value, dict):
        errors.append(f"json: cannot unmarshal {_json_name(value)} into Go struct field {path} of type object")
        return
    for key, item in value.items():
        below = f"{path}.{key}" if path else str(key)
        if "*" in schema:
            _walk(item, schema["*"], below, errors)
        elif key in schema:
            _walk(item, schema[key], below, errors)
        else:
            errors.append(f'unknown field "{below}"')


def _fits(value: Any, schema: Schema) -> bool:
    if schema == "duration":
        return isinstance(value, str) and DURATION.match(value) is not None
    if schema is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, schema)


def _json_name(value: Any) -> str:
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)


def _go_name(schema: Schema) -> str:
    return (
        "v1.Duration"
        if schema == "duration"
        else GO_NAMES.get(schema, "object")
        if not isinstance(schema, dict)
        else "object"
    )
