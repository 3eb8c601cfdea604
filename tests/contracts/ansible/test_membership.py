"""What the join's role makes of a machine that is a member, was one, or began to be one."""

from __future__ import annotations

import pytest

from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
JOIN = "kubeadm join --config /etc/kubernetes/kubeadm-join.yaml"
RESET, START, RESTART = "kubeadm reset --force", "systemctl start kubelet", "systemctl restart kubelet"
MEMBER = ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt")


def play(begun: Begun) -> Run:
    begun.put("/etc/kubernetes/admin.conf")  # cp1's, which is this computer too
    return begun.play("4-join.yml", "w2", role="join", join_api_address="127.0.0.1", join_timeout_s=4)


def done(begun: Begun) -> list[str]:
    """What was called until the machine was a member."""
    run = play(begun)
    assert run.result == "success", run.failures
    return begun.calls


def refused(begun: Begun) -> str:
    """What the machine is refused with; nothing was joined or thrown away."""
    failure, *causes = play(begun).failures
    assert all(" says: " in cause.message for cause in causes)
    assert not {JOIN, RESET} & set(begun.calls)
    return failure.message


def test_a_prepared_machine_joins_and_is_left_alone_from_then_on(begun: Begun) -> None:
    begun.world("api")
    assert done(begun) == [JOIN, START]
    assert not play(begun).changed
    assert begun.calls == []


@pytest.mark.parametrize(
    "left",
    [{"pki/ca.crt": "made"}, {"bootstrap-kubelet.conf": "made"}, {"pki/ca.crt": "made", "kubelet.conf": ""}],
    ids=["an authority", "what it asks for a credential with", "an empty credential, as a power failure leaves it"],
)
def test_what_a_join_that_broke_off_has_left_is_reset_before_the_next(begun: Begun, left: dict[str, str]) -> None:
    for path, content in left.items():
        begun.put(f"/etc/kubernetes/{path}", content=content)
    begun.world("api", "running")
    assert done(begun) == [RESET, JOIN]


@pytest.mark.parametrize("marks", [(), ("spread",)], ids=["both on one node", "spread"])
def test_one_of_the_names_servers_moves_to_the_workers_once_and_never_where_nothing_joined(
    begun: Begun, marks: tuple[str, ...]
) -> None:
    """Both start before there is a worker. Which node can carry one is the scheduler's to say, so it is asked once."""
    begun.put("/etc/kubernetes/admin.conf")
    begun.world("api", "running", *marks)
    variables = {"join_api_address": "127.0.0.1", "join_timeout_s": 4}
    assert begun.play("4-join.yml", "cp1,w2", role="join", **variables).result == "success"
    moved = [] if marks else ["kubectl --namespace=kube-system delete pod --wait=false coredns-b"]
    assert [call for call in begun.calls if call.startswith("kubectl")] == moved
    again = begun.play("4-join.yml", "cp1,w2", role="join", **variables)
    assert (again.changed, begun.calls) == (False, [])


def test_a_node_that_was_deleted_is_made_anew_by_its_kubelet(begun: Begun) -> None:
    begun.put(*MEMBER)
    begun.world("api", "running", "registers")
    assert done(begun) == [RESTART]
    assert not play(begun).changed
    assert begun.calls == []


@pytest.mark.parametrize(
    ("marks", "told", "untold"),
    [
        pytest.param(
            ("api",),
            ('nodes "w2" not found', "journalctl -u kubelet", "inv k8s.replace --machine w2"),
            "k8s.reset",
            id="a kubelet does not register",
        ),
        pytest.param(
            ("api", "node", "torn"),
            ("error loading config file", "inv os.reinstall --machine w2"),
            "gets no answer",
            id="half a credential is not waited for",
        ),
        pytest.param(
            ("api", "node", "starting"),  # its port is open for seconds before it can say who somebody is
            ("the control plane, cp1 (127.0.0.1:6443)", "ServiceUnavailable"),
            "reset",
            id="a server that listens and does not answer yet is no other cluster",
        ),
    ],
)
def test_what_keeps_a_member_from_working_is_told_as_such(
    begun: Begun, marks: tuple[str, ...], told: tuple[str, ...], untold: str
) -> None:
    begun.put(*MEMBER)
    begun.world("running", *marks)
    message = refused(begun)
    assert all(words in message for words in told), message
    assert untold not in message


def test_the_membership_of_another_cluster_is_refused(begun: Begun) -> None:
    begun.put(*MEMBER)
    begun.world("api", "running", "foreign")
    message = refused(begun)
    assert "w2 holds a membership that cp1 (127.0.0.1) does not accept" in message
    assert "(Unauthorized)" in message
    assert "If the cluster was made anew: inv k8s.reset, then inv k8s.join" in message
    assert begun.calls == []


@pytest.mark.parametrize("files", [(), MEMBER])
def test_a_control_plane_that_does_not_answer_is_told_as_such_and_never_with_a_reset(
    begun: Begun, files: tuple[str, ...]
) -> None:
    begun.put(*files)
    begun.world("running", "node")
    message = refused(begun)
    assert "w2 gets no answer from the control plane, cp1 (127.0.0.1:6443)" in message
    assert "inv k8s.control-plane" in message
    assert "reset" not in message
