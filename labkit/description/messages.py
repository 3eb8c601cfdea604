"""What is wrong with one value, in words for whoever wrote it."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from typing import Any

from labkit.description.models import (
    ExternalModel,
    HostModel,
    KubernetesModel,
    LabModel,
    MachineModel,
    NetworkModel,
    RockyModel,
    SourcesModel,
    TimeoutsModel,
)
from labkit.description.source import KeyPath, Problem

MODELS: dict[str, Any] = {
    "": LabModel,
    "hosts": HostModel,
    "machines": MachineModel,
    "external": ExternalModel,
    "networks": NetworkModel,
    "rocky": RockyModel,
    "kubernetes": KubernetesModel,
    "sources": SourcesModel,
    "timeouts": TimeoutsModel,
}
FORMS = {
    "name": "lower-case letters, digits and dashes, a letter first",
    "hosts": "lower-case letters, digits and dashes, a letter first",
    "mac": "six pairs of lower-case hex digits, such as 02:3f:a9:01:00:02",
    "version": "a full version, such as 1.36.4",
    "machine_user": "a Linux account: lower-case letters, digits, dashes, underscores",
}
ADDRESS_FORM = "an address that begins with http:// or https:// and has no blanks"
KINDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "ip_v4_address": "an IPv4 address",
    "ip_v4_network": "an IPv4 range such as 192.168.1.0/24",
}
UNHELPFUL = ("literal_error", "none_required")  # of several for one value: the other branches of a union


def problem(path: KeyPath, details: Sequence[Any]) -> Problem:
    """The one problem to tell of the value at `path` (below `lab`), of all that pydantic found there."""
    detail = min(details, key=lambda one: one["type"] in UNHELPFUL)
    if path == ("id",):
        return _of_the_id(detail)
    special = SPECIAL.get(detail["type"])
    if special is not None:
        return special(path, detail)
    choices = [one["ctx"]["expected"] for one in details if one["type"] == "literal_error" and one is not detail]
    return Problem(path, f"{_short(detail['input'])}: {_expected(path, detail, choices)}", _fix(detail))


def _expected(path: KeyPath, detail: Any, choices: Sequence[str]) -> str:
    alternative = f", or {' or '.join(choices)}" if choices else ""
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind in KINDS:
        return f"{KINDS[kind]} is expected{alternative}"
    if kind == "literal_error":
        return f"one of {limits['expected']} is expected"
    if kind == "string_pattern_mismatch":
        form = FORMS.get(str(path[-1])) or FORMS.get(str(path[0]), ADDRESS_FORM)
        return f"{form} is expected{alternative}"
    if kind == "greater_than_equal":
        return f"must be at least {limits['ge']}{alternative}"
    if kind == "less_than_equal":
        return f"must be at most {limits['le']}{alternative}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    message: str = detail["msg"]
    return message.removeprefix("Value error, ")


def _fix(detail: Any) -> str:
    value = detail["input"]
    if detail["type"] == "string_type":
        return f"write '{value}' in quotes" if isinstance(value, int | float) else "correct the value"
    if detail["type"] == "ip_v4_network":
        try:
            return f"write {IPv4Network(value, strict=False)}"
        except ValueError:
            return "correct the value"
    return "correct the value"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _of_the_id(detail: Any) -> Problem:
    offer = secrets.token_hex(2)
    if detail["type"] == "missing":
        message = "every lab needs an id of its own; there is none yet"
        return Problem(("id",), message, f"write id: '{offer}' (made at random just now)")
    return Problem(
        ("id",), f"{_short(detail['input'])}: four hex digits are expected, lower case", f"such as '{offer}'"
    )


def _missing(path: KeyPath, detail: Any) -> Problem:
    return Problem(path, "this key is missing", f"add {path[-1]}; invoke.yaml shows an example")


def _unknown(path: KeyPath, detail: Any) -> Problem:
    """A key that no model has, and the one that was probably meant."""
    model = MODELS[str(path[0])] if len(path) > 1 else LabModel
    near = difflib.get_close_matches(str(path[-1]), [] if model is None else list(model.model_fields), n=1)
    fix = f"did you mean {near[0]}?" if near else "remove it; invoke.yaml names every key"
    return Problem(path, "there is no such key", fix)


SPECIAL: dict[str, Callable[[KeyPath, Any], Problem]] = {"missing": _missing, "extra_forbidden": _unknown}
