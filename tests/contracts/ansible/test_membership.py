"""What the join's role makes of a machine that is a member, was one, or began to be one."""

from __future__ import annotations

import pytest

from labkit.cluster.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
JOIN = "kubeadm join --config /etc/kubernetes/kubeadm-join.yaml"
RESET, START, RESTART = "kubeadm reset --force", "systemctl start kubelet", "systemctl restart kubelet"
MEMBER = ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt")


def play(begun: Begun) -> Run:
    begun.put("/etc/kubernetes/admin.conf")  # cp1's, which is this computer too
    facts = {"join_api_address": "127.0.0.1", "join_timeout_s": 4}
    run, output = begun.play("4-join.yml", "w2", role="join", **facts)
    assert run.hosts, output
    return run


def done(begun: Begun) -> list[str]:
    """What was called until the machine was a member."""
    run = play(begun)
    assert run.result == "success", run.failures
    return begun.calls


def refused(begun: Begun) -> str:
    """What the machine is refused with; nothing was joined or thrown away."""
    (failure,) = play(begun).failures
    assert not {JOIN, RESET} & set(begun.calls)
    return failure.message


def test_a_prepared_machine_joins_and_is_left_alone_from_then_on(begun: Begun) -> None:
    begun.world("api")
    assert done(begun) == [JOIN, START]
    assert not play(begun).changed
    assert begun.calls == []


@pytest.mark.parametrize("left", ["pki/ca.crt", "bootstrap-kubelet.conf"])
def test_what_a_join_that_broke_off_has_left_is_reset_before_the_next(begun: Begun, left: str) -> None:
    begun.put(f"/etc/kubernetes/{left}")
    begun.world("api", "running")
    assert done(begun) == [RESET, JOIN]
