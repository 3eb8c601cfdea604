"""The three kinds of patch."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubernetes.api.applying import apply, field_set
from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.objects import Obj
from rehearsal.kubernetes.api.patching import merge_patch, strategic_merge

MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ({"a": 1}, {"a": {"b": None}}, {"a": {}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_a_merge_patch_follows_rfc_7386(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def _pod(*containers: Obj) -> Obj:
    return {"kind": "Pod", "spec": {"containers": list(containers)}}


def test_a_strategic_patch_merges_containers_by_name_and_their_variables_too() -> None:
    old = _pod({"name": "a", "image": "1", "env": [{"name": "X", "value": "x"}]}, {"name": "b", "image": "1"})
    patch = _pod({"name": "a", "env": [{"name": "Y", "value": "y"}]})
    merged = strategic_merge(old, patch, "Pod")["spec"]["containers"]
    assert merged[0] == {
        "name": "a",
        "image": "1",
        "env": [{"name": "X", "value": "x"}, {"name": "Y", "value": "y"}],
    }
    assert merged[1] == {"name": "b", "image": "1"}


def test_a_strategic_patch_with_a_directive_is_refused_by_its_name() -> None:
    with pytest.raises(ApiError, match=r"does not serve \$patch in a strategic merge patch") as refused:
        strategic_merge(_pod({"name": "a"}), _pod({"name": "a", "$patch": "delete"}), "Pod")
    assert refused.value.code == 501


def test_an_applied_field_belongs_to_its_manager_until_the_manager_drops_it() -> None:
    live = apply({}, {"apiVersion": "v1", "data": {"a": "1", "b": "2"}}, "ConfigMap", "kubectl", force=False)
    live = {**live, "data": {**live["data"], "other": "by hand"}}
    again = apply(live, {"apiVersion": "v1", "data": {"a": "1"}}, "ConfigMap", "kubectl", force=False)
    assert again["data"] == {"a": "1", "other": "by hand"}


def test_an_unchanged_apply_changes_nothing_not_even_a_time() -> None:
    wanted = {"apiVersion": "v1", "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    live = apply({}, wanted, "Service", "kubectl", force=False)
    live["spec"]["ports"][0]["protocol"] = "TCP"
    live["metadata"]["managedFields"][0]["time"] = "2020-01-01T00:00:00Z"
    assert apply(live, wanted, "Service", "kubectl", force=False) == live


def test_an_item_that_another_manager_owns_too_survives() -> None:
    def ports(*numbers: int) -> Obj:
        return {"apiVersion": "v1", "spec": {"ports": [{"port": number} for number in numbers]}}

    live = apply({}, ports(80, 81), "Service", "first", force=False)
    live = apply(live, ports(81), "Service", "second", force=False)
    live = apply(live, ports(80), "Service", "first", force=False)
    assert sorted(one["port"] for one in live["spec"]["ports"]) == [80, 81]
    live = apply(live, ports(), "Service", "second", force=False)
    assert [one["port"] for one in live["spec"]["ports"]] == [80]


def test_a_conflict_names_the_other_manager_and_the_field() -> None:
    live = apply({}, {"spec": {"replicas": 1}}, "Deployment", "first", force=False)
    with pytest.raises(ApiError, match=r'Apply failed with 1 conflict: conflict with "first": \.spec\.replicas'):
        apply(live, {"spec": {"replicas": 2}}, "Deployment", "second", force=False)
    assert apply(live, {"spec": {"replicas": 2}}, "Deployment", "second", force=True)["spec"]["replicas"] == 2


def test_owned_fields_are_written_in_the_real_form() -> None:
    wanted = {"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
    assert field_set(wanted, "Pod") == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}}}},
    }
