"""Machines, a Node, a join's end are taken away behind the lab's back; `inv k8s.join` ends with all in the cluster."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rehearsal.hosts.state import machine_of
from tests.rehearsal.conftest import say_stages
from tests.rehearsal.rehearsing import Rehearsal, Run, eventually


def _delete(room: Rehearsal, machine: str, *, disk: bool) -> None:
    """Do what a person does in Hyper-V Manager: remove the VM; and in Explorer: delete its disk."""
    host = room.host(room.lab.machine(machine).host)
    with host.change() as state:
        vm = next(vm for vm in state["vms"].values() if machine_of(vm) == machine)
        del state["vms"][vm["id"]]
    if disk:
        for drive in vm["drives"]:
            file = host.local(drive["path"])
            file.unlink()
            file.with_name(file.name + ".lab.json").unlink()


@pytest.fixture(scope="module")
def was(room: Rehearsal) -> dict[str, Any]:
    """The system disks before."""
    return {name: room.disk(name) for name in ("w2", "w3")}


@pytest.fixture(scope="module")
def repaired(room: Rehearsal, was: dict[str, Any]) -> Run:
    """w2's VM is gone, w3's VM and disk are gone; then somebody types `inv k8s.join`."""
    _delete(room, "w2", disk=False)
    _delete(room, "w3", disk=True)
    time.sleep(1)  # the room's power supply looks five times a second: the guests are off
    run = room.inv("k8s.join")
    say_stages(run)
    return run


def test_it_ends_with_every_node_ready(room: Rehearsal, repaired: Run) -> None:
    assert repaired.code == 0, repaired
    eventually(room.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=60)


def test_a_disk_that_was_there_is_attached_again_and_not_installed(
    room: Rehearsal, was: dict[str, Any], repaired: Run
) -> None:
    assert room.disk("w2") == was["w2"]
    assert "w2" not in _installed(repaired)


def test_a_disk_that_was_missing_is_made_blank_and_installed(
    room: Rehearsal, was: dict[str, Any], repaired: Run
) -> None:
    assert room.disk("w3") != was["w3"]
    assert _installed(repaired) == {"w3"}


def test_nothing_else_was_touched(repaired: Run) -> None:
    assert set(repaired.mutating) <= {"New-LabMachine", "Start-LabMachine"}
    assert all(call["script"] in (None, "Get-LabHost", "New-LabMachine", "Start-LabMachine") for call in repaired.calls)


def test_a_machine_whose_vm_is_gone_does_not_run_on(room: Rehearsal, repaired: Run) -> None:
    running = [machine for machine in room.lab.machines if room.vm(machine.name)["state"] == "Running"]
    assert room.alive() == len(running) == 6


def test_the_new_machine_is_a_new_member(room: Rehearsal, repaired: Run) -> None:
    node = json.loads(room.kubectl("get", "node", "w3", "--output=json"))
    machine_id = room.on("w3", "cat /etc/machine-id").strip()
    assert node["status"]["nodeInfo"]["machineID"] == machine_id


def test_a_node_that_somebody_deleted_is_made_anew_and_nothing_else(room: Rehearsal, repaired: Run) -> None:
    before = room.on("w2", "cat /etc/machine-id; readlink /var/lib/kubelet/pki/kubelet-client-current.pem")
    room.kubectl("delete", "node", "w2")
    run = room.inv("k8s.join")
    assert run.code == 0, run
    eventually(room.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=60)
    assert room.on("w2", "cat /etc/machine-id; readlink /var/lib/kubelet/pki/kubelet-client-current.pem") == before


def test_a_join_that_broke_off_is_undone_and_made_again(room: Rehearsal, repaired: Run) -> None:
    """It leaves the CA's certificate, over which kubeadm refuses to join."""
    room.on("w2", "kubeadm reset --force")
    room.kubectl("delete", "node", "w2")
    token = room.on("cp1", "kubeadm token create --ttl 15m --print-join-command").strip()
    killed = "while ! test -e /etc/kubernetes/pki/ca.crt; do sleep 0.02; done; kill -KILL $!; wait $!; test $? = 137"
    room.on("w2", f"{token} > /dev/null & {killed}")
    room.on("w2", "test -e /etc/kubernetes/pki/ca.crt && ! test -e /etc/kubernetes/kubelet.conf")
    run = room.inv("k8s.join")
    assert run.code == 0, run
    eventually(room.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=60)


def _installed(run: Run) -> set[str]:
    times = [row for row in run.journal if row["event"] == "times" and row["step"] == "os.install"]
    return {name for row in times for name, seen in row["stages"].items() if "installed" in seen}
