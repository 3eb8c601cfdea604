"""What the next run repairs: ten kinds of damage, each on one machine, and nothing is changed on any other; then a
`kubeadm init` that was cut off, with which the next run goes on."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.rehearsal.rehearsing import Rehearsal, Run

pytestmark = pytest.mark.timeout(1800)
CHANGED = re.compile(r"^ +(?P<role>\S+) : .*: changed: (?P<hosts>[\w, ]+) \(", re.MULTILINE)

# Where, what is done there, and how it is seen to be right again (a command that succeeds).
DAMAGE = {
    "swap is on": ("w1", "swapon /dev/mapper/rl-swap", 'test -z "$(swapon --show)"'),
    "a module is unloaded": ("w1", "modprobe -r br_netfilter", "lsmod | grep -q br_netfilter"),
    "a sysctl is changed": ("w2", "sysctl -w net.ipv4.ip_forward=0", "sysctl -n net.ipv4.ip_forward | grep -qx 1"),
    "containerd's file is edited": (
        "w2",
        "echo '# by hand' >> /etc/containerd/config.toml",
        "! grep -q 'by hand' /etc/containerd/config.toml",
    ),
    "a firewall port is closed": (
        "w3",
        "firewall-cmd -q --permanent --zone=lab-internal --remove-port=10250/tcp; firewall-cmd -q --reload",
        "firewall-cmd --zone=lab-internal --list-ports | grep -q 10250/tcp",
    ),
    "the time service is stopped": ("w3", "systemctl disable --now chronyd", "systemctl is-active --quiet chronyd"),
    "the kubelet is stopped": ("w1", "systemctl disable --now kubelet", "systemctl is-active --quiet kubelet"),
    "a unit is masked": ("w2", "systemctl mask --now containerd", "systemctl is-active --quiet containerd"),
    "the repositories are gone": ("w3", "rm /etc/yum.repos.d/lab.repo", "test -s /etc/yum.repos.d/lab.repo"),
    "the export is gone": ("storage1", "rm -f /etc/exports.d/*; exportfs -ra", "ls /etc/exports.d/* > /dev/null"),
}


def changed(run: Run) -> set[str]:
    """The hosts on which a playbook changed something."""
    return {host for match in CHANGED.finditer(run.output) for host in match["hosts"].split(", ")}


def test_the_lab_is_built(room: Rehearsal) -> None:
    run = room.inv("lab.rebuild", consent=True, timeout_s=1500)
    assert run.code == 0, run


@pytest.mark.parametrize("what", DAMAGE)
def test_the_next_run_repairs_it_and_changes_that_host_alone(room: Rehearsal, what: str) -> None:
    host, harm, is_right = DAMAGE[what]
    room.on(host, harm)
    room.on(host, f"! ( {is_right} )")
    run = room.inv("k8s.all", "nfs.all")
    assert run.code == 0, run
    room.on(host, is_right)
    assert changed(run) == {host}, run


def test_an_init_that_was_cut_off_is_gone_on_with(room: Rehearsal) -> None:
    """Killed once the API server's manifest is there: the kubelet is not set up, and no API holds anything."""
    run = room.inv("k8s.reset", consent=True)
    assert run.code == 0, run
    manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    killer = f"while ! test -e {manifest}; do sleep 0.02; done; pkill -KILL -f 'kubeadm init'"
    room.on("cp1", f"systemd-run --unit=cut-off sh -c {shlex.quote(killer)}")
    run = room.inv("k8s.control-plane")
    assert run.code == 1, run
    assert "kubeadm init did not finish on cp1" in " ".join(run.output.split()), run
    authority = room.on("cp1", "cat /etc/kubernetes/pki/ca.crt")
    run = room.inv("lab.up", timeout_s=900)
    assert run.code == 0, run
    assert room.on("cp1", "cat /etc/kubernetes/pki/ca.crt") == authority
    run = room.inv("k8s.all")
    assert run.code == 0, run
    assert changed(run) == set(), run
