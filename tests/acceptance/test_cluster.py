"""A cluster's life: damage and repair, a worker replaced, one more added, reset, another pod network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rehearsal.rehearsing import LAB_FILE, Rehearsal, Run, eventually

pytestmark = pytest.mark.timeout(1800)
NODES = dict.fromkeys(("cp1", "w1", "w2", "w3"), "True")
FOURTH = "    - {name: w4, number: 7, host: pc1, roles: [worker], cpus: 2, memory_mb: 2048, disk_gb: 40}\n"
CHANGED = re.compile(r"^ +(?P<role>\S+) : .*: changed: (?P<hosts>[\w, ]+) \(", re.MULTILINE)

# Where, what is done there, and how it is seen to be right again (a command that succeeds).
DAMAGE = {
    "swap is on": ("w1", "swapon --all", 'test -z "$(swapon --show)"'),
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


def altered(folder: Path, old: str, new: str) -> Path:
    """The lab's file with one thing in it altered; the kickstarts carry the file's name, so that stays."""
    text = LAB_FILE.read_text(encoding="utf-8")
    assert old in text
    folder.mkdir(exist_ok=True)
    file = folder / LAB_FILE.name
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def one_more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab with a fourth worker."""
    storage = next(line for line in LAB_FILE.read_text(encoding="utf-8").splitlines() if "name: storage1" in line)
    return altered(tmp_path_factory.mktemp("one-more"), storage, f"{FOURTH}{storage}")


def changed(run: Run) -> set[str]:
    """The hosts on which a playbook changed something."""
    return {host for match in CHANGED.finditer(run.output) for host in match["hosts"].split(", ")}


def test_the_lab_is_built(room: Rehearsal) -> None:
    run = room.inv("lab.rebuild", consent=True, timeout_s=1500)
    assert run.code == 0, run
    assert room.ready() == NODES


@pytest.mark.parametrize("what", DAMAGE)
def test_the_next_run_repairs_it_and_changes_that_host_alone(room: Rehearsal, what: str) -> None:
    host, harm, is_right = DAMAGE[what]
    room.on(host, harm)
    run = room.inv("k8s.all", "nfs.all")
    assert run.code == 0, run
    room.on(host, is_right)
    assert changed(run) == {host}, run


def test_a_worker_is_replaced_and_the_others_stay(room: Rehearsal) -> None:
    disks = room.disks()
    refused = room.inv("k8s.replace", "--machine", "w2")
    assert (refused.code, refused.mutating) == (5, []), refused
    run = room.inv("k8s.replace", "--machine", "w2", consent=True, timeout_s=900)
    assert run.code == 0, run
    now = room.disks()
    assert {name for name, path in now.items() if path != disks[name]} == {"w2"}
    eventually(room.ready, NODES, timeout_s=60)


def test_a_reset_cluster_is_built_again_on_the_same_machines(room: Rehearsal) -> None:
    run = room.inv("k8s.reset", consent=True)
    assert run.code == 0, run
    run = room.inv("k8s.all", "verify.all")
    assert run.code == 0, run
    assert not run.mutating
    eventually(room.ready, NODES, timeout_s=60)


def test_one_more_worker_joins_once_it_is_described(room: Rehearsal, one_more: Path) -> None:
    unknown = room.inv("k8s.add", "--machine", "w4")
    assert unknown.code == 7, unknown
    assert "number: 7" in unknown.output
    run = room.inv("k8s.add", "--machine", "w4", file=one_more, timeout_s=900)
    assert run.code == 0, run
    eventually(room.ready, {**NODES, "w4": "True"}, timeout_s=60)
    again = room.inv("k8s.add", "--machine", "w4", file=one_more)
    assert (again.code, again.mutating) == (6, []), again


def test_the_flannel_variant_is_built_and_proven(room: Rehearsal, tmp_path: Path) -> None:
    file = altered(tmp_path / "flannel", "cni: calico", "cni: flannel")
    run = room.inv("lab.rebuild", file=file, consent=True, timeout_s=1500)
    assert run.code == 0, run
    assert "kube-flannel" in room.kubectl("get", "namespaces", "--output=name")
