"""Label selectors and field selectors, from query strings and from objects.

Stands in for k8s.io/apimachinery/pkg/labels and pkg/fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import bad_request, not_served
from .objects import Obj, dig, labels_of
from .resources import Resource

Test = Callable[[Obj], bool]

_EQUALITY = re.compile(r"^\s*([^\s!=]+)\s*(==|!=|=)\s*([^\s,]*)\s*$")
INVOLVED = tuple(f"involvedObject.{one}" for one in ("kind", "namespace", "name", "uid"))
# The fields that somebody selects by: drain and the kubelets pods, describe and those who look for a cause events.
SELECTABLE = {"Pod": ("spec.nodeName", "status.phase"), "Event": (*INVOLVED, "reason", "type")}


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
    """`app=web,tier!=db` as a test of an object's labels; 501 for selectors by sets, which nobody sends."""
    terms = [_label_term(term) for term in text.split(",")]
    return lambda obj: all((labels_of(obj).get(key) == value) == equal for key, equal, value in terms)


def _label_term(term: str) -> tuple[str, bool, str]:
    found = _EQUALITY.match(term)
    if not found:
        raise not_served(f"the label selector `{term.strip()}`, only KEY=VALUE and KEY!=VALUE")
    return found[1], found[2] != "!=", found[3]


def parse_fields(resource: Resource, text: str) -> Test:
    """`spec.nodeName=w1,status.phase!=Failed` as a test; 501 for fields that nobody selects by."""
    tests = []
    for term in text.split(","):
        found = _EQUALITY.match(term)
        if not found:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = found[1], found[2], found[3]
        if field not in ("metadata.name", "metadata.namespace", *SELECTABLE.get(resource.kind, ())):
            raise not_served(f"{resource.plural} selected by {field}")
        tests.append((field, operator != "!=", value))
    return lambda obj: all((str(dig(obj, field, "")) == value) == equal for field, equal, value in tests)


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
