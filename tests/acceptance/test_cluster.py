"""What becomes of a cluster: workers replaced, added and removed, the cluster taken off and made anew, another CNI."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from labkit.line.stages import PLAYBOOKS
from labkit.project import ANSIBLE
from tests.labs import changed, flannel, grown
from tests.rehearsal.rehearsing import ON_MACHINE, Rehearsal, Run, eventually

pytestmark = pytest.mark.timeout(2400)
TAGGED = re.compile(r"^ *tags: \[(\w+)\]$", re.MULTILINE)
NODES = dict.fromkeys(("cp1", "w1", "w2", "w3"), "True")
NOT_READY_AFTER_S = 75  # kube-controller-manager's grace period of 40 s, and what the room adds
NETWORK = ("cp1", "w1", "w2", "w3", "storage1")
SITE = "cd /opt/lab/ansible && sudo -H -u lab env LC_ALL=C.UTF-8 /opt/lab/venv/bin/ansible-playbook site.yml"
FILES = [ANSIBLE / stage.playbook for stage in PLAYBOOKS.values()]
TAGS = sorted({tag for file in FILES for tag in TAGGED.findall(file.read_text(encoding="utf-8"))})
MOVED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: moved}
spec:
  replicas: 3
  selector: {matchLabels: {app: moved}}
  template:
    metadata: {labels: {app: moved}}
    spec: {containers: [{name: nginx, image: "docker.io/library/nginx:1.29"}]}
"""


@pytest.fixture
def larger(room: Rehearsal, tmp_path: Path) -> Rehearsal:
    """The same room seen with a description that names a seventh machine."""
    return Rehearsal(room.folder, changed(grown, tmp_path))


def disks(room: Rehearsal) -> dict[str, str]:
    """The path of each machine's system disk."""
    return {name: room.vm(name)["drives"][0]["path"] for name in NETWORK}


def other_disks(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name, path in after.items() if path != before[name]}


def identity(room: Rehearsal, name: str) -> str:
    return room.on(name, "cat /etc/machine-id").strip()


def verified(room: Rehearsal) -> Run:
    run = room.inv("verify.all")
    assert run.code == 0, run
    return run


def test_a_lab_is_built(room: Rehearsal) -> None:
    run = room.inv("lab.rebuild", consent=True, timeout_s=1800)
    assert run.code == 0, run
    assert room.ready() == NODES


def site(room: Rehearsal, *arguments: str) -> dict[str, str]:
    """Run the whole playbook by hand on the bootstrap server; return what its last lines say of each machine."""
    words = (sys.executable, str(ON_MACHINE), str(room.file), "bootstrap", " ".join([SITE, *arguments]))
    run = room.start(*words).finish(timeout_s=900)
    assert run.code == 0, run
    return {line.split()[0]: line for line in run.output.splitlines() if " unreachable=" in line}


def test_site_yml_by_hand_changes_nothing_on_any_host_the_second_time(room: Rehearsal) -> None:
    site(room)
    recap = site(room)
    assert set(recap) == {machine.name for machine in room.lab.machines}
    assert all(" changed=0 " in line and " failed=0 " in line for line in recap.values()), recap


@pytest.mark.parametrize("tag", TAGS)
def test_each_role_runs_alone_by_its_tag(room: Rehearsal, tag: str) -> None:
    recap = site(room, "--tags", tag)
    assert recap
    assert all(" changed=0 " in line and " failed=0 " in line for line in recap.values()), recap


def test_a_worker_is_replaced_and_its_pods_move_before(room: Rehearsal) -> None:
    file = room.folder / "moved.yaml"
    file.write_text(MOVED, encoding="utf-8")
    room.kubectl("apply", "--server-side", "--filename", str(file))
    room.kubectl("rollout", "status", "deployment/moved", "--timeout=50s")
    before = (disks(room), {name: identity(room, name) for name in NETWORK})
    shown = room.inv("--dry", "k8s.replace", "--machine", "w3")
    assert (shown.code, shown.mutating) == (0, []), shown
    assert "node w3 of the cluster" in shown.output
    assert before[0]["w3"] in shown.output
    refused = room.inv("k8s.replace", "--machine", "w3")
    assert (refused.code, refused.mutating) == (5, []), refused
    run = room.inv("k8s.replace", "--machine", "w3", consent=True, timeout_s=900)
    assert run.code == 0, run
    steps = [row["step"] for row in run.ends]
    assert (steps[0], steps[-1]) == ("k8s.replace", "verify.nodes")
    assert other_disks(before[0], disks(room)) == {"w3"}
    assert {name for name in NETWORK if identity(room, name) != before[1][name]} == {"w3"}
    node = json.loads(room.kubectl("get", "node", "w3", "--output=json"))
    assert node["status"]["nodeInfo"]["machineID"] == identity(room, "w3")
    assert "unschedulable" not in node["spec"]
    room.kubectl("rollout", "status", "deployment/moved", "--timeout=50s")
    room.kubectl("delete", "deployment", "moved")


def test_only_a_worker_is_replaced(room: Rehearsal) -> None:
    for name in ("cp1", "storage1", "bootstrap"):
        run = room.inv("k8s.replace", "--machine", name, consent=True)
        assert (run.code, run.mutating) == (6, []), run


def test_a_dead_worker_is_replaced_without_waiting_for_its_pods(room: Rehearsal) -> None:
    before = disks(room)
    room.on("w2", "systemctl stop kubelet")
    eventually(lambda: room.ready()["w2"], "Unknown", timeout_s=NOT_READY_AFTER_S)
    run = room.inv("k8s.replace", "--machine", "w2", consent=True, timeout_s=900)
    assert run.code == 0, run
    assert "w2 is not Ready: it is not drained" in run.output
    assert other_disks(before, disks(room)) == {"w2"}
    assert room.ready() == NODES


@pytest.mark.parametrize("again", [("k8s.replace", "--machine", "w1"), ("k8s.join",)])
def test_a_replacing_that_was_killed_goes_on_and_throws_nothing_away_twice(
    room: Rehearsal, again: tuple[str, ...]
) -> None:
    before, calls = disks(room), len(room.calls())

    def blank_disks() -> int:
        return [call["script"] for call in room.calls()[calls:]].count("Reset-LabMachine")

    started = room.start_inv("k8s.replace", "--machine", "w1", consent=True)
    eventually(blank_disks, 1, timeout_s=300)
    started.process.kill()
    started.process.communicate()
    blank = disks(room)["w1"]
    assert blank != before["w1"]
    # Its node may be there still, and is then asked for; nothing but that.
    run = room.inv(*again, consent=True, timeout_s=900)
    assert run.code == 0, run
    assert disks(room)["w1"] == blank
    assert "Reset-LabMachine" not in run.mutating
    assert room.ready() == NODES


def test_a_machine_that_nobody_described_is_told_the_line_to_write(room: Rehearsal) -> None:
    run = room.inv("k8s.add", "--machine", "w4")
    assert (run.code, run.calls) == (7, []), run
    assert "{name: w4, number: 7, " in " ".join(run.output.split())
    member = room.inv("k8s.add", "--machine", "w2")
    assert (member.code, member.mutating) == (6, []), member


def test_a_seventh_machine_is_added_and_the_others_stay(room: Rehearsal, larger: Rehearsal) -> None:
    before = (disks(room), {name: identity(room, name) for name in (*NETWORK, "bootstrap")})
    run = larger.inv("k8s.add", "--machine", "w4", timeout_s=1200)
    assert run.code == 0, run
    assert set(run.mutating) <= {"New-LabMachine", "Start-LabMachine"}
    assert larger.ready() == NODES | {"w4": "True"}
    assert before == (disks(room), {name: identity(room, name) for name in (*NETWORK, "bootstrap")})
    assert "w4-mgmt" in larger.on("w1", "cat /etc/hosts")
    nothing = larger.inv("k8s.join", "nfs.storage")
    assert nothing.code == 0, nothing
    assert {row["step"] for row in nothing.ends if row["changed"]} == set()
    assert verified(larger).rows["nginx answers at w4"] == "ok"


def test_a_machine_that_is_described_no_more_is_removed_by_hand(room: Rehearsal) -> None:
    room.kubectl("drain", "w4", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=50s")
    gone = room.inv("hyperv.destroy", "--machine", "w4", consent=True)
    assert gone.code == 0, gone
    room.kubectl("delete", "node", "w4")
    run = room.inv("lab.up", timeout_s=900)
    assert run.code == 0, run
    assert room.ready() == NODES
    assert "w4" not in room.on("w1", "cat /etc/hosts")
    assert len([vm for host in ("pc1", "pc2") for vm in room.host(host).read()["vms"]]) == len(room.lab.machines)


def test_the_cluster_is_taken_off_and_made_anew_on_the_same_machines(room: Rehearsal) -> None:
    before = (disks(room), {name: identity(room, name) for name in NETWORK})
    authority = (room.state / "kubeconfig").read_text(encoding="utf-8")
    refused = room.inv("k8s.reset")
    assert refused.code == 5, refused
    run = room.inv("k8s.reset", consent=True)
    assert run.code == 0, run
    alone = room.inv("k8s.replace", "--machine", "w1", consent=True)
    assert (alone.code, alone.mutating) == (6, []), alone
    assert " os.reinstall --machine w1" in alone.output
    run = room.inv("k8s.all", timeout_s=900)
    assert (run.code, run.mutating) == (0, []), run
    assert room.ready() == NODES
    assert (room.state / "kubeconfig").read_text(encoding="utf-8") != authority
    assert before == (disks(room), {name: identity(room, name) for name in NETWORK})
    assert verified(room).failed() == set()


def test_a_lab_with_flannel_is_built_verified_and_a_worker_of_it_replaced(room: Rehearsal, tmp_path: Path) -> None:
    other = Rehearsal(room.folder, changed(flannel, tmp_path))
    run = other.inv("lab.rebuild", consent=True, timeout_s=1800)
    assert run.code == 0, run
    assert run.failed() == set()
    networks = other.kubectl("get", "daemonsets", "--all-namespaces", "--output=name")
    assert "flannel" in networks
    assert "calico" not in networks
    run = other.inv("k8s.replace", "--machine", "w1", consent=True, timeout_s=900)
    assert run.code == 0, run
    assert verified(other).failed() == set()
    nothing = other.inv("lab.up", timeout_s=900)
    assert nothing.code == 0, nothing
    assert {row["step"] for row in nothing.ends if row["changed"]} == set()
