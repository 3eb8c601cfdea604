"""Ready comes from a kubelet's heartbeats over INTERNAL alone: three nodes lose them in three ways at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.rehearsing import Rehearsal, eventually

GRACE_S = 40  # kube-controller-manager's --node-monitor-grace-period
HEARD_S = 30
INTERNAL = 1
METALLB = "--namespace=metallb-system"
NEWS = """
apiVersion: v1
kind: Service
metadata: {name: news}
spec: {type: LoadBalancer, selector: {app: news}, ports: [{port: 80}]}
"""
CLOSE_6443 = """nft -f - <<'EOF'
table inet breaking {
  chain input {
    type filter hook input priority -10
    ip saddr %s tcp dport 6443 drop
  }
}
EOF"""


@pytest.fixture(scope="module")
def broken(room: Rehearsal) -> Iterator[Rehearsal]:
    """No kubelet on w1, no cable in w2's INTERNAL adapter, and cp1's 6443 closed to w3's INTERNAL address."""
    assert room.ready() == dict.fromkeys(("cp1", "w1", "w2", "w3"), "True")
    _move_load_balancer_to_w2(room)
    room.on("w1", "systemctl stop kubelet")
    room.pull("w2", INTERNAL)
    room.on("cp1", CLOSE_6443 % room.lab.machine("w3").internal.address)
    yield room
    room.on("w1", "systemctl start kubelet")
    room.pull("w2", INTERNAL, "up")
    room.on("cp1", "nft delete table inet breaking || true")
    eventually(room.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=60)


def test_each_of_them_makes_its_node_not_ready(broken: Rehearsal) -> None:
    eventually(broken.ready, {"cp1": "True", "w1": "Unknown", "w2": "Unknown", "w3": "Unknown"}, timeout_s=GRACE_S + 35)
    reasons = {name: condition["reason"] for name, condition in broken.conditions().items()}
    assert reasons == {"cp1": "KubeletReady", **dict.fromkeys(("w1", "w2", "w3"), "NodeStatusUnknown")}


def test_verification_fails_in_exactly_these_rows(broken: Rehearsal) -> None:
    run = broken.inv("verify.nodes")
    assert run.code == 8, run
    assert run.failed() == {"node w1", "node w2", "node w3"}
    assert "Kubelet stopped posting node status" in " ".join(run.output.split()), run


def test_the_cable_and_the_port_were_all_that_w2_and_w3_lacked(broken: Rehearsal) -> None:
    broken.pull("w2", INTERNAL, "up")
    broken.on("cp1", "nft delete table inet breaking")
    eventually(broken.ready, {"cp1": "True", "w1": "Unknown", "w2": "True", "w3": "True"}, timeout_s=45)


def test_a_pod_on_w2_hears_of_changes_again(broken: Rehearsal) -> None:
    """Its watch fell silent with the cable, and nothing that comes in on the old connection finds its way to a pod."""
    file = broken.folder / "news.yaml"
    file.write_text(NEWS, encoding="utf-8")
    broken.kubectl("apply", "--server-side", "--filename", str(file))
    try:
        given = "--for=jsonpath={.status.loadBalancer.ingress[0].ip}"
        broken.kubectl("wait", given, "service/news", f"--timeout={HEARD_S}s")
    finally:
        broken.kubectl("delete", "service", "news")


def test_verification_then_fails_for_the_node_without_kubelet_alone(broken: Rehearsal) -> None:
    run = broken.inv("verify.nodes")
    assert (run.code, run.failed()) == (8, {"node w1"}), run


def test_the_kubelet_was_all_that_w1_lacked(broken: Rehearsal) -> None:
    broken.on("w1", "systemctl start kubelet")
    eventually(broken.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=45)
    run = broken.inv("verify.nodes")
    assert (run.code, run.failed()) == (0, set()), run


def test_a_node_without_its_role_fails_alone(broken: Rehearsal) -> None:
    broken.kubectl("label", "node", "w3", "node-role.kubernetes.io/worker-")
    try:
        run = broken.inv("verify.nodes")
    finally:
        broken.kubectl("label", "node", "w3", "node-role.kubernetes.io/worker=")
    assert (run.code, run.failed()) == (8, {"node w3"}), run


def test_a_node_that_nobody_described_fails_alone(broken: Rehearsal) -> None:
    file = broken.folder / "stranger.yaml"
    file.write_text("apiVersion: v1\nkind: Node\nmetadata: {name: stranger}\n", encoding="utf-8")
    broken.kubectl("create", "--filename", str(file))
    try:
        run = broken.inv("verify.nodes")
    finally:
        broken.kubectl("delete", "node", "stranger")
    assert (run.code, run.failed()) == (8, {"no other node"}), run


def _move_load_balancer_to_w2(room: Rehearsal) -> None:
    """Have w2 run the one pod that gives Services their addresses."""
    room.kubectl("cordon", "w1", "w3")
    try:
        room.kubectl(METALLB, "delete", "pod", "--selector=component=controller", "--now")
        room.kubectl(METALLB, "rollout", "status", "deployment/controller", "--timeout=50s")
    finally:
        room.kubectl("uncordon", "w1", "w3")
