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
    failure, cause = play(begun, reset_timeout_s=1).failures
    assert cause.message.startswith("w1 says:")
    assert "kubeadm reset did not end on w1 within 1 s" in failure.message
    assert "inv k8s.reset" in failure.message
    assert "inv os.reinstall --machine w1" in failure.message


LEFT = """
ip link add external type veth peer name wire && ip link set external up && ip link set wire up
ip address add 192.0.2.5/24 dev external
ip route add 198.51.100.0/24 via 192.0.2.1
ip route add blackhole 10.244.1.64/26 proto 80
ip route add 10.244.2.0/26 dev external proto 80
for table in 'ip kube-proxy' 'ip6 kube-proxy' 'ip calico' 'inet firewalld'; do nft add table $table; done
iptables -t nat -N KUBE-SERVICES && iptables -t nat -A PREROUTING -j KUBE-SERVICES
iptables -N cali-FORWARD && iptables -A FORWARD -m comment --comment cali:x -j cali-FORWARD
iptables -A INPUT -s 203.0.113.7 -j DROP
"""
TOLD = "ip route; nft list tables; iptables-save"


def test_rules_and_routes_of_the_cluster_go_and_those_of_others_stay(begun: Begun) -> None:
    begun.around(LEFT, TOLD)
    run = play(begun)
    assert run.result == "success", run.failures
    told = (begun.seen / "told").read_text(encoding="utf-8")
    assert "198.51.100.0/24 via 192.0.2.1" in told
    assert "table inet firewalld" in told
    assert "-A INPUT -s 203.0.113.7/32 -j DROP" in told
    assert [words for words in ("10.244", "kube-proxy", "calico", "KUBE-", "cali") if words in told] == []
