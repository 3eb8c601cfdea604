"""One pure function finds what differs: a table of cases."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.hyperv.drift import MachinePlan, Obstacle, Plan, plan
from labkit.hyperv.reading import host_facts

Row = dict[str, Any]


def made(lab: Lab, pcs: Any) -> Plan:
    return plan(lab, {name: host_facts(name, lab.name, answer) for name, answer in pcs.answers.items()})


def planned(lab: Lab, pcs: Any, machine: str = "w1") -> MachinePlan:
    return next(one for one in made(lab, pcs).machines if one.name == machine)


def refused(lab: Lab, pcs: Any) -> Obstacle:
    """Why nothing is done to w1."""
    obstacle = planned(lab, pcs).obstacle
    assert obstacle is not None
    return obstacle


def copied(pcs: Any, **changed: str | None) -> None:
    """Put a copy of w1's VM beside it."""
    pcs.answers["pc1"]["vms"].append(copy.deepcopy(pcs.vm("w1")) | changed)


def test_a_lab_as_described_is_unchanged(lab: Lab, pcs: Any) -> None:
    found = made(lab, pcs)
    assert {one.action for one in found.machines} == {"unchanged"}
    assert not found.work
    assert not found.refused


def put(**values: Any) -> Callable[[Row], None]:
    return lambda row: row["detail"].update(values)


def put_nic(adapter: str, /, **values: Any) -> Callable[[Row], None]:
    return lambda row: next(nic for nic in row["detail"]["adapters"] if nic["name"] == adapter).update(values)


DRIFT: dict[str, tuple[Callable[[Row], None], tuple[str, ...], bool, str]] = {
    # what was changed behind the lab's back, the steps that repair it, whether it must be off, a word of the sentence
    "processors": (put(cpus=4), ("cpus",), True, "cpus 4 -> 2"),
    "memory": (lambda row: row.update(memory_bytes=2**31), ("memory",), True, "2048 -> 4096"),
    "dynamic memory": (put(dynamic_memory=True), ("memory",), True, "static"),
    "automatic checkpoints": (put(automatic_checkpoints=True), ("policy",), False, "checkpoints"),
    "stop action": (put(stop_action="Save"), ("policy",), False, "stop action"),
    "name": (lambda row: row.update(name="renamed-w1"), ("identity",), False, "renamed-w1"),
    "MAC": (put_nic("mgmt", mac="00155D000001"), ("adapters",), True, "00155D000001"),
    "dynamic MAC": (put_nic("mgmt", dynamic_mac=True), ("adapters",), True, "dynamic"),
    "unplugged": (put_nic("internal", switch=""), ("adapters",), False, "(none)"),
    "VLAN": (put_nic("internal", vlan=7), ("adapters",), False, "VLAN of internal 7"),
    "VLAN mode": (put_nic("external", vlan_mode="Trunk"), ("adapters",), False, "Trunk"),
    "DHCP guard": (put_nic("external", dhcp_guard=False), ("adapters",), False, "guard"),
    "adapter": (put_nic("mgmt", name="Netzwerkkarte"), ("adapters", "boot"), True, "mgmt is missing"),
    "Secure Boot off": (put(secure_boot=False), ("secure_boot",), True, "Secure Boot off"),
    "template": (put(template="MicrosoftWindows"), ("secure_boot",), True, "MicrosoftWindows"),
    "boot order": (lambda row: row["detail"]["boot"].reverse(), ("boot",), True, "boot order"),
}


@pytest.mark.parametrize(("break_it", "steps", "needs_off", "word"), DRIFT.values(), ids=DRIFT)
def test_drift_is_repaired_and_refused_while_the_machine_runs_exactly_when_it_would_have_to_stop(
    lab: Lab, pcs: Any, break_it: Callable[[Row], None], steps: tuple[str, ...], needs_off: bool, word: str
) -> None:
    row = pcs.vm("w1")
    break_it(row)
    found = planned(lab, pcs)
    assert (found.action, found.steps, found.obstacle) == ("change", steps, None)
    assert word in "; ".join(change.text for change in found.changes)
    row["state"] = "Running"
    running = planned(lab, pcs)
    command = "inv hyperv.stop --machine w1 hyperv.create, then inv lab.up" if needs_off else None
    assert (running.obstacle and running.obstacle.command) == command
    assert (running in made(lab, pcs).work) is not needs_off


def test_entries_that_an_installed_system_made_are_no_drift(lab: Lab, pcs: Any) -> None:
    pcs.vm("w1")["detail"]["boot"].insert(0, {"type": "File", "id": ""})
    assert planned(lab, pcs).action == "unchanged"


def test_dvds_behind_the_system_disk_in_the_boot_order_are_no_drift_and_one_in_front_is(lab: Lab, pcs: Any) -> None:
    detail = pcs.vm("bootstrap")["detail"]
    detail["dvds"].append({"id": "boot disk", "path": "boot.iso"})
    detail["boot"][1:1] = [{"type": "Drive", "id": one["id"]} for one in reversed(detail["dvds"])]
    assert planned(lab, pcs, "bootstrap").action == "unchanged"
    detail["boot"].insert(0, detail["boot"].pop(1))
    assert planned(lab, pcs, "bootstrap").steps == ("boot",)


def test_a_saved_machine_that_differs_is_left_alone(lab: Lab, pcs: Any) -> None:
    row = pcs.vm("w1")
    row["state"], row["detail"]["stop_action"] = "Saved", "Save"
    assert "it is Saved" in refused(lab, pcs).text


def test_a_missing_vm_without_disks_is_created(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc1"]["vms"].remove(pcs.vm("w1"))
    pcs.answers["pc1"]["disks"].remove(pcs.disk("w1"))
    found = planned(lab, pcs)
    assert found.action == "create"
    assert found.steps[0] == "create"
    assert "dvd" not in found.steps


def test_a_missing_vm_gets_its_surviving_disks_back(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc2"]["vms"].remove(pcs.vm("storage1"))
    found = planned(lab, pcs, "storage1")
    assert found.action == "attach"
    assert found.attach is not None
    assert set(found.attach) == {"system", "data"}


def test_a_discarded_disk_is_never_attached_again(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc1"]["vms"].remove(pcs.vm("w1"))
    pcs.disk("w1")["mark"]["kind"] = "discarded"
    found = planned(lab, pcs)
    assert found.action == "create"
    assert not found.attach


def test_two_surviving_system_disks_are_not_guessed_between(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc1"]["vms"].remove(pcs.vm("w1"))
    second = copy.deepcopy(pcs.disk("w1"))
    second["path"], second["mark"]["disk"] = second["path"].replace("system-1", "system-2"), "2000000a"
    pcs.answers["pc1"]["disks"].append(second)
    assert "several system disks" in refused(lab, pcs).text


def test_a_detached_system_disk_goes_back_into_its_vm(lab: Lab, pcs: Any) -> None:
    put(drives=[])(pcs.vm("w1"))
    found = planned(lab, pcs)
    assert (found.action, found.steps) == ("attach", ("disks", "boot"))


def test_a_disk_whose_mark_was_lost_is_known_by_its_name_and_marked_again(lab: Lab, pcs: Any) -> None:
    pcs.disk("w1")["mark"] = None
    found = planned(lab, pcs)
    assert (found.action, found.steps) == ("change", ("disks",))
    assert found.vm is not None
    assert found.vm.system_disk is not None


def test_a_vm_whose_making_was_cut_off_is_finished(lab: Lab, pcs: Any) -> None:
    row = pcs.vm("w1")
    row["notes"] = ""
    row["detail"].update(cpus=1, adapters=[], drives=[], boot=[], secure_boot=True, template="MicrosoftWindows")
    pcs.answers["pc1"]["disks"].remove(pcs.disk("w1"))
    found = planned(lab, pcs)
    steps = ("identity", "cpus", "adapters", "disks", "secure_boot", "boot")
    assert (found.steps, found.obstacle) == (steps, None)


def test_a_foreign_vm_with_a_machines_name_is_refused_not_touched(lab: Lab, pcs: Any) -> None:
    row = pcs.vm("w1")
    row.update(notes="my own", path="D:\\VMs\\mine", detail=None)
    found = made(lab, pcs)
    assert "not this lab's" in refused(lab, pcs).text
    assert "w1" not in {machine.name for machine in found.work}
    assert [one.action for one in found.machines if one.vm and one.vm.id == row["id"]] == ["foreign"]


def test_a_vm_of_generation_1_is_refused_since_no_setting_repairs_it(lab: Lab, pcs: Any) -> None:
    pcs.vm("w1").update(generation=1)
    assert planned(lab, pcs).action == "replace"
    assert refused(lab, pcs).command == "inv hyperv.destroy --machine w1, then inv lab.up"


def test_a_system_disk_of_another_size_needs_a_reinstall(lab: Lab, pcs: Any) -> None:
    pcs.disk("w1")["size_bytes"] = 20 * 2**30
    assert refused(lab, pcs).command == "inv hyperv.destroy --machine w1, then inv lab.up"


def test_a_half_discarded_machine_is_sent_back_to_what_discards(lab: Lab, pcs: Any) -> None:
    pcs.disk("w1")["mark"]["kind"] = "discarded"
    command = refused(lab, pcs).command
    assert command.startswith("inv os.reinstall --machine w1; ")
    assert command.endswith("inv lab.discard")


def test_a_machine_on_the_wrong_host_is_refused(lab: Lab, pcs: Any) -> None:
    row = pcs.vm("w1")
    pcs.answers["pc1"]["vms"].remove(row)
    pcs.answers["pc2"]["vms"].append(row)
    assert refused(lab, pcs).command == "inv hyperv.destroy --machine w1, then inv lab.up"


def test_two_vms_with_one_mark_are_refused(lab: Lab, pcs: Any) -> None:
    copied(pcs, id="ffffffff-0000-0000-0000-000000000000", name="copy of w1")
    assert "several VMs" in refused(lab, pcs).text


def test_a_marked_vm_that_is_not_described_is_listed_for_destruction_only(lab: Lab, pcs: Any) -> None:
    mark = '{"lab":"lab-7e57","machine":"w9"}'
    copied(pcs, id="eeeeeeee-0000-0000-0000-000000000000", name="lab-7e57-w9", notes=mark)
    found = made(lab, pcs)
    assert [one.action for one in found.machines if one.name == "w9"] == ["destroy"]
    assert not found.work
    assert not found.refused


def test_another_labs_vm_is_foreign(lab: Lab, pcs: Any) -> None:
    mark = '{"lab":"lab-beef","machine":"w1"}'
    copied(pcs, id="dddddddd-0000-0000-0000-000000000000", name="lab-beef-w1", notes=mark, detail=None)
    assert [one.action for one in made(lab, pcs).machines if one.name == "lab-beef-w1"] == ["foreign"]
