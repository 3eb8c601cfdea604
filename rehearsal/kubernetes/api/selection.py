"""Label selectors and field selectors, from query strings and from objects.

Stands in for k8s.io/apimachinery/pkg/labels and pkg/fields, and for the list of fields each kind may be selected by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import bad_request
from .objects import Obj, dig, labels_of
from .resources import Resource

Test = Callable[[Obj], bool]

_SET = re.compile(r"^\s*([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
_EQUALITY = re.compile(r"^\s*([^\s!=]+)\s*(==|!=|=)\s*([^\s,]*)\s*$")
_SPLIT = re.compile(r",(?![^(]*\))")

SELECTABLE = {
    "Pod": {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    },
    "Event": {
        *(f"involvedObject.{one}" for one in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    },
    "Node": {"spec.unschedulable"},
    "Secret": {"type"},
    "Namespace": {"status.phase"},
    "CertificateSigningRequest": {"spec.signerName"},
    "ReplicaSet": {"status.replicas"},
    "Job": {"status.successful"},
    "Service": {"spec.clusterIP", "spec.type"},
}


@dataclass(frozen=True)
class Selection:
    """What a list or watch was asked for. `field_values` are the fields that must equal a value."""

    labels: Test | None = None
    fields: Test | None = None

    def __call__(self, obj: Obj) -> bool:
        return (self.labels is None or self.labels(obj)) and (self.fields is None or self.fields(obj))


def selection(resource: Resource, label_selector: str, field_selector: str) -> Selection:
    """The test that a request's two selectors mean; 400 for what cannot be parsed or selected by."""
    return Selection(
        parse_labels(label_selector) if label_selector.strip() else None,
        parse_fields(resource, field_selector) if field_selector.strip() else None,
    )


def parse_labels(text: str) -> Test:
    """`app=web,tier!=db,env in (a,b),!legacy,named` as a test of an object's labels."""
    tests = [_label_test(term) for term in _SPLIT.split(text) if term.strip()]
    return lambda obj: all(test(labels_of(obj)) for test in tests)


def _label_test(term: str) -> Callable[[Mapping[str, str]], bool]:
    term = term.strip()
    if found := _SET.match(term):
        key, operator, values = found[1], found[2], {value.strip() for value in found[3].split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if found := _EQUALITY.match(term):
        key, operator, value = found[1], found[2], found[3]
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if re.fullmatch(r"!?[\w./-]+", term):
        absent, key = term.startswith("!"), term.lstrip("!")
        return lambda labels: (key in labels) != absent
    raise bad_request(f'unable to parse requirement: found "{term}", expected: label selector')


def parse_fields(resource: Resource, text: str) -> Test:
    """`spec.nodeName=w1,status.phase!=Failed` as a test; only the fields the real server selects by."""
    tests = []
    for term in text.split(","):
        found = _EQUALITY.match(term)
        if not found:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = found[1], found[2], found[3]
        if field not in {"metadata.name", "metadata.namespace"} | SELECTABLE.get(resource.kind, set()):
            raise bad_request(f"field label not supported: {field}")
        tests.append((field, operator != "!=", value))
    return lambda obj: all((_field(obj, field) == value) == equal for field, equal, value in tests)


def _field(obj: Obj, path: str) -> str:
    if path == "source":
        path = "source.component"
    value: Any = dig(obj, path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def matches(selector: Obj | None, labels: Mapping[str, str]) -> bool:
    """Whether a metav1.LabelSelector chooses these labels: null chooses none, the empty one all."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(requirement_holds(item, labels) for item in selector.get("matchExpressions", []))


def requirement_holds(item: Obj, labels: Mapping[str, str]) -> bool:
    """One `{key, operator, values}` of a label selector or a node selector."""
    value, values = labels.get(item["key"]), item.get("values", [])
    match item["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and value.isdigit() and int(value) > int(values[0])
        case "Lt":
            return value is not None and value.isdigit() and int(value) < int(values[0])
    return False
