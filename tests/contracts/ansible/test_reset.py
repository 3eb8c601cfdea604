"""What the reset's role asks of kubeadm, and what of the cluster's network it takes away besides."""

from __future__ import annotations

import pytest

from labkit.k8s.events import Run
from rehearsal.kubernetes.kubeadm import schema
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
CALLED = "kubeadm reset --config /etc/kubernetes/kubeadm-reset.yaml"


def play(begun: Begun, **variables: object) -> Run:
    begun.put("/etc/kubernetes/kubelet.conf")
    begun.world("running")
    return begun.play("reset.yml", "w1", role="reset", reset_kubeconfigs=[], **variables)


def test_a_mount_of_a_server_that_is_away_is_let_go(begun: Begun) -> None:
    run = play(begun)
    assert run.result == "success", run.failures
    assert begun.calls == [CALLED]
    (settings,) = schema.documents((begun.seen / "reset.yaml").read_text(encoding="utf-8"))
    assert (settings["kind"], settings["force"], settings["unmountFlags"]) == (
        "ResetConfiguration",
        True,
        ["MNT_DETACH"],
    )
    assert not begun.file("/etc/kubernetes/kubeadm-reset.yaml").exists()


def test_one_that_does_not_end_is_ended_and_told_with_the_way_on(begun: Begun) -> None:
    begun.world("hangs")
    (failure,) = play(begun, reset_timeout_s=1).failures
    assert "kubeadm reset did not end on w1 within 1 s" in failure.message
    assert "inv k8s.reset" in failure.message
    assert "inv os.reinstall --machine w1" in failure.message
