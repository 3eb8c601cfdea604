"""Where pods may run, and why not elsewhere; how a rolling update moves."""

from __future__ import annotations

import pytest

from rehearsal.kubernetes.api.controllers.eviction import time_left
from rehearsal.kubernetes.api.controllers.rollout import Counts, bounds, next_new, next_old
from rehearsal.kubernetes.api.objects import Obj
from rehearsal.kubernetes.api.quantities import quantity
from rehearsal.kubernetes.api.scheduler.filters import Place, fitting, summary


def _node(name: str, **spec: object) -> Obj:
    labels = {"kubernetes.io/hostname": name, "zone": name[0]}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}},
    }


def _pod(**spec: object) -> Obj:
    return {"metadata": {"name": "p", "namespace": "n", "labels": {"app": "web"}}, "spec": {"containers": [], **spec}}


def _asks(cpu: str) -> list[Obj]:
    return [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]


TAINT = {"key": "special", "value": "yes", "effect": "NoSchedule"}
SPREAD = {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "web"}},
}
CASES: dict[str, tuple[Obj, list[Place], list[str]]] = {
    "an unschedulable node": (_pod(), [Place(_node("a", unschedulable=True)), Place(_node("b"))], ["b"]),
    "an untolerated taint": (_pod(), [Place(_node("a", taints=[TAINT])), Place(_node("b"))], ["b"]),
    "a tolerated taint": (
        _pod(tolerations=[{"key": "special", "operator": "Exists"}]),
        [Place(_node("a", taints=[TAINT]))],
        ["a"],
    ),
    "a node selector": (_pod(nodeSelector={"zone": "b"}), [Place(_node("a")), Place(_node("b"))], ["b"]),
    "not enough cpu": (
        _pod(containers=_asks("1500m")),
        [Place(_node("a"), [_pod(containers=_asks("1"))]), Place(_node("b"))],
        ["b"],
    ),
    "too many pods": (_pod(), [Place(_node("a"), [_pod()] * 3), Place(_node("b"))], ["b"]),
    "a hard spread": (
        _pod(topologySpreadConstraints=[SPREAD]),
        [Place(_node("a"), [_pod()]), Place(_node("b"))],
        ["b"],
    ),
    "a host port that is taken": (
        _pod(containers=[{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]),
        [Place(_node("a"), [_pod(containers=[{"ports": [{"hostPort": 80}]}])]), Place(_node("b"))],
        ["b"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pod_goes_only_where_it_fits(case: str) -> None:
    pod, places, wanted = CASES[case]
    good, _ = fitting(pod, places)
    assert [place.name for place in good] == wanted


def test_the_message_counts_the_reasons_as_the_real_scheduler_does() -> None:
    places = [Place(_node("a", taints=[TAINT])), Place(_node("b", unschedulable=True))]
    good, reasons = fitting(_pod(), places)
    assert not good
    assert summary(2, reasons) == (
        "0/2 nodes are available: 1 node(s) had untolerated taint {special: yes}, 1 node(s) were unschedulable."
    )


@pytest.mark.parametrize(("text", "number"), [("250m", 0.25), ("1Gi", 2**30), ("1.5k", 1500), ("3", 3), (2, 2)])
def test_quantities_are_numbers(text: object, number: float) -> None:
    assert quantity(text) == number


def test_a_rolling_update_never_has_too_few_available_nor_too_many_pods() -> None:
    desired, (surge, unavailable) = 4, bounds(4, {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
    assert (surge, unavailable) == (1, 1)
    new, old = Counts(0, 0), Counts(4, 4)
    for _ in range(10):
        size = next_new(desired, surge, new, [old])
        new = Counts(size, new.available)
        (left,) = next_old(desired, unavailable, new, [old])
        old = Counts(left, min(left, old.available))
        assert new.available + old.available >= desired - unavailable
        assert new.wanted + old.wanted <= desired + surge
        new = Counts(new.wanted, new.wanted)  # the new pods become available
    assert (new.wanted, old.wanted) == (4, 0)


def test_a_rolling_update_stands_still_while_its_new_pods_do_not_come_up() -> None:
    new, old = Counts(0, 0), Counts(3, 3)
    for _ in range(5):
        new = Counts(next_new(3, 1, new, [old]), 0)
        (left,) = next_old(3, 0, new, [old])
        old = Counts(left, left)
    assert (new.wanted, old.wanted) == (1, 3)


def test_broken_old_pods_go_first() -> None:
    # Three wanted, one of the two old ones broken, the new one not up yet: the broken one may go, the other must stay.
    assert next_old(2, 1, Counts(1, 0), [Counts(1, 0), Counts(1, 1)]) == [0, 1]


def test_a_pod_stays_on_a_failing_node_for_as_long_as_it_tolerates_it() -> None:
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    five_minutes = {"key": taint["key"], "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for_ever = {"operator": "Exists"}
    old = {**taint, "timeAdded": "2020-01-01T00:00:00Z"}
    assert time_left(_pod(), [taint]) == 0
    assert time_left(_pod(tolerations=[five_minutes]), [old]) < 0  # type: ignore[operator]
    assert time_left(_pod(tolerations=[for_ever]), [old]) is None
