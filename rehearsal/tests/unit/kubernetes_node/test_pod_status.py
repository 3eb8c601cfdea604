"""The status of a pod follows from its containers alone."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubernetes.node import podstatus
from rehearsal.kubernetes.node.podstatus import Report
from rehearsal.kubernetes.node.runtime import State

RUNNING, DONE, BROKEN = (
    State(0, 100.0, pid=7),
    State(0, 100.0, code=0, finished=110.0),
    State(2, 100.0, code=3, finished=110.0),
)


def report(state: State | None, **more: Any) -> Report:
    return Report({"name": "c", "image": "nginx:1"}, state, **more)


@pytest.mark.parametrize(
    ("states", "policy", "phase"),
    [
        ([RUNNING], "Always", "Running"),
        ([None], "Always", "Pending"),
        ([RUNNING, None], "Always", "Pending"),
        ([DONE], "Never", "Succeeded"),
        ([BROKEN], "Never", "Failed"),
        ([DONE, RUNNING], "Never", "Running"),
        ([BROKEN], "OnFailure", "Running"),
        ([DONE], "Always", "Running"),
    ],
)
def test_phase(states: list[State | None], policy: str, phase: str) -> None:
    assert podstatus.phase([], [report(state) for state in states], policy) == phase


def test_an_unfinished_init_container_keeps_the_pod_pending() -> None:
    assert podstatus.phase([report(RUNNING)], [report(None)], "Always") == "Pending"
    assert podstatus.phase([report(BROKEN)], [report(None)], "Never") == "Failed"


def status(*reports: Report, previous: dict[str, Any] | None = None) -> dict[str, Any]:
    pod = {"spec": {"restartPolicy": "Always"}}
    return podstatus.build(
        pod, [], list(reports), host="10.1.0.13", address="10.244.1.2", started=100.0, previous=previous or {}
    )


def conditions(body: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in body["conditions"]}


def test_ready_needs_every_container() -> None:
    assert conditions(status(report(RUNNING, ready=True)))["Ready"] == "True"
    body = status(report(RUNNING, ready=True), report(RUNNING))
    assert conditions(body)["Ready"] == "False"
    assert "containers with unready status: [c]" in body["conditions"][2]["message"]


def test_a_condition_that_stays_keeps_its_time() -> None:
    before = status(report(RUNNING, ready=True))
    before["conditions"][2]["lastTransitionTime"] = "2020-01-01T00:00:00Z"
    assert (
        status(report(RUNNING, ready=True), previous=before)["conditions"][2]["lastTransitionTime"]
        == "2020-01-01T00:00:00Z"
    )
    assert status(report(RUNNING), previous=before)["conditions"][2]["lastTransitionTime"] != "2020-01-01T00:00:00Z"


def test_waiting_tells_why() -> None:
    body = status(report(None, waiting=("ErrImagePull", "no such image")))
    assert body["containerStatuses"][0]["state"] == {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}


def test_a_restart_is_counted_and_the_last_end_kept() -> None:
    body = status(report(State(3, 120.0, pid=9), last=BROKEN))["containerStatuses"][0]
    assert (body["restartCount"], body["lastState"]["terminated"]["exitCode"]) == (3, 3)
