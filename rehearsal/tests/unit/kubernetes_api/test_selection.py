"""Selectors."""

from __future__ import annotations

import pytest

from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.resources import Registry
from rehearsal.kubernetes.api.selection import matches, selection

POD = Registry().find("", "v1", "pods")
OBJ = {
    "metadata": {"name": "p", "namespace": "n", "labels": {"app": "web", "env": "test"}},
    "spec": {"nodeName": "w1"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ("app=web", True),
        ("app==web,env!=prod", True),
        ("other!=x", True),
        ("app=db", False),
    ],
)
def test_label_selectors_choose(labels: str, chosen: bool) -> None:
    assert selection(POD, labels, "")(OBJ) is chosen


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ("spec.nodeName=w1", True),
        ("spec.nodeName=w2", False),
        ("metadata.name=p,status.phase!=Failed", True),
        ("status.phase!=Running", False),
    ],
)
def test_field_selectors_choose(fields: str, chosen: bool) -> None:
    assert selection(POD, "", fields)(OBJ) is chosen


@pytest.mark.parametrize(
    ("labels", "fields", "words"), [("", "spec.hostname=x", r"pods selected by spec\.hostname"), ("!app", "", "`!app`")]
)
def test_what_nobody_selects_by_is_refused(labels: str, fields: str, words: str) -> None:
    with pytest.raises(ApiError, match=words) as refused:
        selection(POD, labels, fields)
    assert refused.value.code == 501


def test_no_selector_chooses_nothing_and_the_empty_one_everything() -> None:
    assert not matches(None, {"a": "b"})
    assert matches({}, {"a": "b"})
    assert matches({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": "b"})
    assert not matches({"matchLabels": {"a": "c"}}, {"a": "b"})
