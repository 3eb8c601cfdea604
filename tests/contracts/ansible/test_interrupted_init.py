"""What the control plane's role makes of a `kubeadm init` that ended anywhere: made is what has all of it."""

from __future__ import annotations

import pytest

from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
CONFIG = "--config /etc/kubernetes/kubeadm-init.yaml"
INIT, RESUMED = f"kubeadm init {CONFIG}", f"kubeadm init {CONFIG} --skip-phases=preflight"
START = "systemctl start kubelet"
MADE = ("/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/ca.key")
TRACES = ("/etc/kubernetes/manifests/etcd.yaml", "/var/lib/etcd/member")
KUBELET = "/var/lib/kubelet/config.yaml"


def play(begun: Begun) -> Run:
    return begun.play("3-control-plane.yml", "cp1", role="control_plane", control_plane_timeout_s=4)


def done(begun: Begun) -> list[str]:
    """What was called until the control plane was made."""
    run = play(begun)
    assert run.result == "success", run.failures
    return begun.calls


def nothing_is_left_to_do(begun: Begun) -> bool:
    return not play(begun).changed and begun.calls == []


def test_a_machine_without_traces_gets_a_control_plane_and_keeps_it(begun: Begun) -> None:
    assert done(begun) == [INIT, START]
    assert nothing_is_left_to_do(begun)


def test_one_that_was_cut_off_before_the_kubelet_was_set_up_goes_on_at_once(begun: Begun) -> None:
    begun.put(*MADE, TRACES[0])
    begun.world("running")
    run = play(begun)
    assert begun.calls == [RESUMED], run.failures
    (waiting,) = (task for task in run.tasks.values() if "Wait until the API server is ready" in task.name)
    assert waiting.statuses == {"cp1": "skipped"}  # nothing can come up by itself there
    assert nothing_is_left_to_do(begun)


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param((), id="it does not come up"),
        pytest.param(("api",), id="its API answers without what init makes last"),
        pytest.param(("api", "bound"), id="its administrator finds only a part of it"),
        pytest.param(("api", "bound", "made", "without-dns"), id="somebody deleted a part of it"),
    ],
)
def test_one_that_is_not_whole_is_gone_on_with_and_then_left_as_it_is(begun: Begun, marks: tuple[str, ...]) -> None:
    begun.put(*MADE, *TRACES, KUBELET)
    begun.world("running", *marks)
    assert done(begun) == [RESUMED]
    assert nothing_is_left_to_do(begun)


def test_one_that_is_made_and_was_off_is_waited_for_and_left_as_it_is(begun: Begun) -> None:
    begun.put(*MADE, *TRACES, KUBELET)
    begun.world("comes", "bound", "made")
    assert done(begun) == [START]
    assert nothing_is_left_to_do(begun)


@pytest.mark.parametrize("trouble", ["slow", "foreign"])
def test_one_that_answers_and_does_not_say_is_left_alone_with_its_own_words(begun: Begun, trouble: str) -> None:
    """An API server at its limits, an administrator's certificate that has expired: kubeadm is not run over it."""
    begun.put(*MADE, *TRACES, KUBELET)
    begun.world("running", "api", "bound", "made", trouble)
    failure, _ = play(begun).failures
    assert ("deadline exceeded" if trouble == "slow" else "(Unauthorized)") in failure.message
    assert "inv k8s.control-plane asks again" in failure.message
    assert "k8s.reset" not in failure.message
    assert begun.calls == []


def test_a_control_plane_that_cannot_be_made_is_told_with_kubeadms_error_and_the_way_on(begun: Begun) -> None:
    begun.put(*MADE, *TRACES)
    begun.world("running", "broken")
    failure, cause = play(begun).failures
    assert "kubeadm init did not finish on cp1" in failure.message
    assert "error execution phase wait-control-plane: cannot obtain client without bootstrap" in failure.message
    assert "inv k8s.control-plane" in failure.message
    assert "inv k8s.reset, then inv k8s.all" in failure.message
    assert cause.message.startswith("cp1 says: kubelet:\nE1 the disk is full")


def test_data_whose_authority_is_gone_is_no_beginning_to_go_on_with(begun: Begun) -> None:
    """A new authority over the old data would orphan every member."""
    begun.put(*TRACES, KUBELET)
    begun.world("running")
    (failure,) = play(begun).failures
    assert "/etc/kubernetes/pki/ca.key" in failure.message
    assert "inv k8s.reset, then inv k8s.all" in failure.message
    assert begun.calls == []
