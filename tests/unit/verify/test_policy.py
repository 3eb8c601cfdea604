"""NetworkPolicy: the row fails when anybody is heard who should not be, and when nobody is heard at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.verify import policy
from tests.unit.verify.fakes import FakeCluster


def test_a_friend_that_is_heard_and_a_stranger_that_waits_in_vain_prove_it(cluster: FakeCluster) -> None:
    (row,) = policy.check(cluster)
    assert (row.name, row.result) == ("NetworkPolicy", "ok")
    assert [cluster._place(pod) for pod in ("guarded", "friend", "stranger")] == ["w3", "w1", "w1"]
    # The policy is there before the pod that it guards.
    assert [made["kind"] for made in cluster.made] == ["NetworkPolicy", "Pod", "Pod", "Pod"]


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({"friend": "28 curl: (28) Connection timed out "}, "whom it lets in is not heard: curl: (28)"),
        ({"way": "28 curl: (28) Connection timed out "}, "the stranger reaches nobody at all"),
        ({"stranger": "0 "}, "whom it keeps out is heard, too"),
        ({"stranger": "7 curl: (7) Connection refused "}, "whom it keeps out ended with 7"),
    ],
)
def test_the_row_fails_and_says_who_was_heard(cluster: FakeCluster, asked: dict[str, str], seen: str) -> None:
    cluster.facts.asked = asked
    (row,) = policy.check(cluster)
    assert row.result == "failed"
    assert seen in row.measured


@pytest.mark.parametrize(("pod", "phase"), [("guarded", "Pending"), ("stranger", "Running")])
def test_a_pod_that_does_not_come_up_fails_the_row_with_its_story(cluster: FakeCluster, pod: str, phase: str) -> None:
    cluster.facts.pods[pod] = phase
    (row,) = policy.check(cluster)
    assert (row.result, row.measured) == ("failed", f"pod {pod} did not come up")
    assert "describe pod" in row.detail


def test_nothing_is_claimed_of_a_pod_network_that_enforces_none(cluster: FakeCluster) -> None:
    lab = cluster.session.lab
    cluster.session.lab = replace(lab, kubernetes=lab.kubernetes.model_copy(update={"cni": "flannel"}))
    (row,) = policy.check(cluster)
    assert (row.result, row.measured) == ("not proven here", "flannel enforces none")
    assert cluster.made == []
