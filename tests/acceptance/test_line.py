"""The stages as typed while troubleshooting build a whole lab from nothing; then that lab is lived in."""

from __future__ import annotations

import pytest

from tests.rehearsal.rehearsing import Rehearsal, eventually

pytestmark = pytest.mark.timeout(1800)
NODES = dict.fromkeys(("cp1", "w1", "w2", "w3"), "True")


def test_the_line_builds_a_lab_from_nothing(room: Rehearsal) -> None:
    run = room.inv("hyperv.create", "pxe.setup", "k8s.all", timeout_s=1500)
    assert run.code == 0, run
    assert room.ready() == NODES


def test_three_umbrellas_in_one_line_all_run_and_verify_at_the_end(room: Rehearsal) -> None:
    run = room.inv("k8s.all", "nfs.all", "verify.all")
    assert run.code == 0, run
    steps = [row["step"] for row in run.ends]
    assert steps[-1] == "verify.all"
    assert {"k8s.join", "nfs.storage"} <= set(steps)
    assert {row["step"] for row in run.ends if row["changed"]} == set()


def test_one_worker_is_reinstalled_and_joins_again(room: Rehearsal) -> None:
    disks = {name: room.disk(name) for name in ("w1", "w3")}
    refused = room.inv("os.reinstall", "--machine", "w3")
    assert (refused.code, refused.mutating) == (5, []), refused
    run = room.inv("os.reinstall", "--machine", "w3", consent=True)
    assert run.code == 0, run
    assert room.disk("w3") != disks["w3"]
    assert room.disk("w1") == disks["w1"]
    run = room.inv("k8s.join")
    assert run.code == 0, run
    eventually(room.ready, NODES, timeout_s=60)


def kickstarts(room: Rehearsal, machine: str) -> int:
    """How often a machine has fetched its kickstart so far."""
    client = room.lab.machine(machine).mgmt.address
    told = room.on("bootstrap", f'grep -c \'"client": "{client}".*"uri": "/ks/\' /var/log/nginx/lab.jsonl || true')
    return int(told)


def test_an_installation_whose_inv_was_killed_is_taken_up_and_nothing_is_installed_twice(room: Rehearsal) -> None:
    disks = room.disks()
    before = {name: kickstarts(room, name) for name in ("cp1", "w1", "w2", "w3", "storage1")}
    started = room.start_inv("os.reinstall", "--machine", "w2", consent=True)
    eventually(lambda: kickstarts(room, "w2"), before["w2"] + 1, timeout_s=300)
    started.process.kill()
    started.process.communicate()
    run = room.inv("os.install")
    assert run.code == 0, run
    assert {name: kickstarts(room, name) for name in before} == before | {"w2": before["w2"] + 1}
    now = room.disks()
    assert {name for name, path in now.items() if path != disks[name]} == {"w2"}
    joined = room.inv("k8s.join")
    assert joined.code == 0, joined
    eventually(room.ready, NODES, timeout_s=60)


def test_the_bootstrap_server_is_made_anew_and_no_other_machine_notices(room: Rehearsal) -> None:
    disks = room.disks()
    run = room.inv("os.reinstall", "--machine", "bootstrap", consent=True)
    assert run.code == 0, run
    run = room.inv("lab.up")
    assert run.code == 0, run
    now = room.disks()
    assert {name for name, path in now.items() if path != disks[name]} == {"bootstrap"}
    assert {call["script"] for call in run.calls if call["mutating"]} == set()


def test_a_bootstrap_server_made_anew_while_the_others_are_off_adopts_them(room: Rehearsal) -> None:
    """It knows nothing of them, and they cannot be asked before they run."""
    disks = room.disks()
    stopped = room.inv("lab.stop")
    assert stopped.code == 0, stopped
    run = room.inv("os.reinstall", "--machine", "bootstrap", consent=True)
    assert run.code == 0, run
    run = room.inv("lab.up")
    assert run.code == 0, run
    now = room.disks()
    assert {name for name, path in now.items() if path != disks[name]} == {"bootstrap"}
    assert {call["script"] for call in run.calls if call["mutating"]} == {"Start-LabMachine"}
    others = ("cp1", "w1", "w2", "w3", "storage1")
    assert {name: kickstarts(room, name) for name in others} == dict.fromkeys(others, 0)
    assert room.on("bootstrap", "ls /var/lib/lab/armed").split() == []
    assert room.on("bootstrap", "ls /var/lib/lab/installed").split() == sorted(others)
    assert room.ready() == NODES


def test_a_rebuild_with_warm_caches_needs_nobody_outside(room: Rehearsal) -> None:
    warm = room.inv("lab.rebuild", consent=True, timeout_s=900)
    assert warm.code == 0, warm
    room.cut_off(True)
    try:
        run = room.inv("lab.rebuild", consent=True, timeout_s=900)
    finally:
        room.cut_off(False)
    assert run.code == 0, run
    assert room.ready() == NODES


def test_a_stopped_lab_comes_back_by_lab_up(room: Rehearsal) -> None:
    stopped = room.inv("lab.stop")
    assert stopped.code == 0, stopped
    assert {room.vm(machine.name)["state"] for machine in room.lab.machines} == {"Off"}
    run = room.inv("lab.up")
    assert run.code == 0, run
    assert room.ready() == NODES


def test_a_checkpoint_takes_the_whole_lab_back_and_leaves_the_nfs_data_as_it_is(room: Rehearsal) -> None:
    taken = room.inv("lab.stop", "hyperv.checkpoint", "--name", "before", "lab.up", timeout_s=900)
    assert taken.code == 0, taken
    room.on("w1", "echo broken > /etc/broken; systemctl disable --now kubelet")
    room.on("storage1", "echo later > /srv/nfs/later; sync")
    refused = room.inv("hyperv.restore", "--name", "before")
    assert (refused.code, refused.mutating) == (5, []), refused
    run = room.inv("hyperv.restore", "--name", "before", consent=True, timeout_s=900)
    assert run.code == 0, run
    assert run.ends[-1]["step"] == "verify.all"
    assert room.ready() == NODES
    assert room.on("w1", "test -e /etc/broken && echo there || true").strip() == ""
    assert room.on("storage1", "cat /srv/nfs/later").strip() == "later"
    forgotten = room.inv("hyperv.forget", "--name", "before")
    assert forgotten.code == 0, forgotten
    assert not [path for host in ("pc1", "pc2") for path in room.host(host).drive.rglob("*.avhdx")]


def test_a_rebuild_keeps_the_bootstrap_server_and_the_nfs_data(room: Rehearsal) -> None:
    room.on("storage1", "echo precious > /srv/nfs/kept; sync")
    kept = {
        "bootstrap": room.on("bootstrap", "cat /etc/machine-id"),
        "bootstrap disk": room.disk("bootstrap"),
        "data disk": room.disk("storage1", "data"),
    }
    systems = {name: room.disk(name) for name in ("cp1", "w1", "w2", "w3", "storage1")}
    run = room.inv("lab.rebuild", consent=True, timeout_s=1500)
    assert run.code == 0, run
    assert kept == {
        "bootstrap": room.on("bootstrap", "cat /etc/machine-id"),
        "bootstrap disk": room.disk("bootstrap"),
        "data disk": room.disk("storage1", "data"),
    }
    for name, old in systems.items():
        assert room.disk(name) != old
    assert room.on("storage1", "cat /srv/nfs/kept").strip() == "precious"


def test_destroying_leaves_the_nfs_data_disk_and_nothing_else(room: Rehearsal) -> None:
    data = room.host("pc2").local(room.disk("storage1", "data"))
    run = room.inv("lab.destroy", consent=True)
    assert run.code == 0, run
    for host in ("pc1", "pc2"):
        assert room.host(host).read()["vms"] == {}
    left = [path for host in ("pc1", "pc2") for path in room.host(host).drive.rglob("*.vhdx")]
    assert left == [data]
