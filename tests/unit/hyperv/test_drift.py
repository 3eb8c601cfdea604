"""One pure function finds what differs: a table of cases."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.hyperv.drift import MachinePlan, Plan, plan
from labkit.hyperv.reading import host_facts

Answers = dict[str, dict[str, Any]]
Row = dict[str, Any]


@pytest.fixture
def answers(pcs: Any) -> Answers:
    return copy.deepcopy(pcs.answers)


def made(lab: Lab, answers: Answers) -> Plan:
    return plan(lab, {name: host_facts(name, lab.name, answer) for name, answer in answers.items()})


def row_of(answers: Answers, machine: str) -> Row:
    return next(row for answer in answers.values() for row in answer["vms"] if row["name"].endswith(f"-{machine}"))


def planned(lab: Lab, answers: Answers, machine: str) -> MachinePlan:
    return next(one for one in made(lab, answers).machines if one.name == machine)


def test_a_lab_as_described_is_unchanged(lab: Lab, answers: Answers) -> None:
    found = made(lab, answers)
    assert {one.action for one in found.machines} == {"unchanged"}
    assert not found.work
    assert not found.refused


def nic(row: Row, name: str = "mgmt") -> Row:
    adapter: Row = next(adapter for adapter in row["detail"]["adapters"] if adapter["name"] == name)
    return adapter


def put(**values: Any) -> Callable[[Row], None]:
    return lambda row: row["detail"].update(values)


def put_nic(adapter: str, /, **values: Any) -> Callable[[Row], None]:
    return lambda row: nic(row, adapter).update(values)


DRIFT: list[Any] = [
    # what was changed behind the lab's back, the steps that repair it, whether it must be off, a word of the sentence
    pytest.param(put(cpus=4), ("cpus",), True, "cpus 4 -> 2", id="processors"),
    pytest.param(lambda row: row.update(memory_bytes=2**31), ("memory",), True, "2048 -> 4096", id="memory"),
    pytest.param(put(dynamic_memory=True), ("memory",), True, "static", id="dynamic memory"),
    pytest.param(put(automatic_checkpoints=True), ("policy",), False, "checkpoints", id="automatic checkpoints"),
    pytest.param(put(stop_action="Save"), ("policy",), False, "stop action", id="stop action"),
    pytest.param(lambda row: row.update(name="renamed-w1"), ("identity",), False, "renamed-w1", id="name"),
    pytest.param(put_nic("mgmt", mac="00155D000001"), ("adapters",), True, "00155D000001", id="MAC"),
    pytest.param(put_nic("mgmt", dynamic_mac=True), ("adapters",), True, "dynamic", id="dynamic MAC"),
    pytest.param(put_nic("internal", switch=""), ("adapters",), False, "(none)", id="unplugged"),
    pytest.param(put_nic("internal", vlan=7), ("adapters",), False, "VLAN of internal 7", id="VLAN"),
    pytest.param(put_nic("external", vlan_mode="Trunk"), ("adapters",), False, "Trunk", id="VLAN mode"),
    pytest.param(put_nic("external", dhcp_guard=False), ("adapters",), False, "guard", id="DHCP guard"),
    pytest.param(put_nic("mgmt", name="Netzwerkkarte"), ("adapters", "boot"), True, "mgmt is missing", id="adapter"),
    pytest.param(put(secure_boot=False), ("secure_boot",), True, "Secure Boot off", id="Secure Boot off"),
    pytest.param(put(template="MicrosoftWindows"), ("secure_boot",), True, "MicrosoftWindows", id="template"),
    pytest.param(lambda row: row["detail"]["boot"].reverse(), ("boot",), True, "boot order", id="boot order"),
]


@pytest.mark.parametrize(("break_it", "steps", "needs_off", "word"), DRIFT)
def test_drift_of_a_machine_that_is_off_is_repaired(
    lab: Lab, answers: Answers, break_it: Callable[[Row], None], steps: tuple[str, ...], needs_off: bool, word: str
) -> None:
    break_it(row_of(answers, "w1"))
    found = planned(lab, answers, "w1")
    assert (found.action, found.steps, found.obstacle) == ("change", steps, None)
    assert word in "; ".join(change.text for change in found.changes)


@pytest.mark.parametrize(("break_it", "steps", "needs_off", "word"), DRIFT)
def test_drift_of_a_running_machine_is_refused_exactly_when_it_would_have_to_stop(
    lab: Lab, answers: Answers, break_it: Callable[[Row], None], steps: tuple[str, ...], needs_off: bool, word: str
) -> None:
    row = row_of(answers, "w1")
    break_it(row)
    row["state"] = "Running"
    found = planned(lab, answers, "w1")
    if needs_off:
        assert found.obstacle is not None
        assert found.obstacle.command == "inv hyperv.stop --machine w1 hyperv.create"
    else:
        assert found.obstacle is None
    assert (found in made(lab, answers).work) is not needs_off


def test_entries_that_an_installed_system_made_are_no_drift(lab: Lab, answers: Answers) -> None:
    row_of(answers, "w1")["detail"]["boot"].insert(0, {"type": "File", "id": ""})
    assert planned(lab, answers, "w1").action == "unchanged"


def test_dvds_behind_the_system_disk_in_the_boot_order_are_no_drift_and_one_in_front_is(
    lab: Lab, answers: Answers
) -> None:
    detail = row_of(answers, "bootstrap")["detail"]
    detail["dvds"].append({"id": "boot disk", "path": "boot.iso"})
    entries = [{"type": "Drive", "id": one["id"]} for one in reversed(detail["dvds"])]
    detail["boot"][1:1] = entries
    assert planned(lab, answers, "bootstrap").action == "unchanged"
    detail["boot"].insert(0, detail["boot"].pop(1))
    assert planned(lab, answers, "bootstrap").steps == ("boot",)


def test_a_saved_machine_that_differs_is_left_alone(lab: Lab, answers: Answers) -> None:
    row = row_of(answers, "w1")
    row["state"], row["detail"]["stop_action"] = "Saved", "Save"
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert "it is Saved" in obstacle.text


def test_a_missing_vm_without_disks_is_created(lab: Lab, answers: Answers) -> None:
    answers["pc1"]["vms"] = [row for row in answers["pc1"]["vms"] if not row["name"].endswith("-w1")]
    answers["pc1"]["disks"] = [row for row in answers["pc1"]["disks"] if row["mark"]["machine"] != "w1"]
    found = planned(lab, answers, "w1")
    assert found.action == "create"
    assert found.steps[0] == "create"
    assert "dvd" not in found.steps


def test_a_missing_vm_gets_its_surviving_disks_back(lab: Lab, answers: Answers) -> None:
    answers["pc2"]["vms"] = [row for row in answers["pc2"]["vms"] if not row["name"].endswith("-storage1")]
    found = planned(lab, answers, "storage1")
    assert found.action == "attach"
    assert found.attach is not None
    assert set(found.attach) == {"system", "data"}


def test_a_discarded_disk_is_never_attached_again(lab: Lab, answers: Answers) -> None:
    answers["pc1"]["vms"] = [row for row in answers["pc1"]["vms"] if not row["name"].endswith("-w1")]
    next(row for row in answers["pc1"]["disks"] if row["mark"]["machine"] == "w1")["mark"]["kind"] = "discarded"
    found = planned(lab, answers, "w1")
    assert found.action == "create"
    assert not found.attach


def test_two_surviving_system_disks_are_not_guessed_between(lab: Lab, answers: Answers) -> None:
    answers["pc1"]["vms"] = [row for row in answers["pc1"]["vms"] if not row["name"].endswith("-w1")]
    disk = next(row for row in answers["pc1"]["disks"] if row["mark"]["machine"] == "w1")
    second = copy.deepcopy(disk)
    second["path"], second["mark"]["disk"] = disk["path"].replace("system-1", "system-2"), "2000000a"
    answers["pc1"]["disks"].append(second)
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert "several system disks" in obstacle.text


def test_a_detached_system_disk_goes_back_into_its_vm(lab: Lab, answers: Answers) -> None:
    row = row_of(answers, "w1")
    row["detail"]["drives"] = []
    found = planned(lab, answers, "w1")
    assert found.action == "attach"
    assert found.steps == ("disks", "boot")


def test_a_disk_whose_mark_was_lost_is_known_by_its_name_and_marked_again(lab: Lab, answers: Answers) -> None:
    for row in answers["pc1"]["disks"]:
        row["mark"] = None
    found = planned(lab, answers, "w1")
    assert found.action == "change"
    assert found.steps == ("disks",)
    assert found.vm is not None
    assert found.vm.system_disk is not None


def test_a_vm_whose_making_was_cut_off_is_finished(lab: Lab, answers: Answers) -> None:
    row = row_of(answers, "w1")
    row["notes"] = ""
    row["detail"].update(cpus=1, adapters=[], drives=[], boot=[], secure_boot=True, template="MicrosoftWindows")
    answers["pc1"]["disks"] = [disk for disk in answers["pc1"]["disks"] if disk["mark"]["machine"] != "w1"]
    found = planned(lab, answers, "w1")
    assert found.obstacle is None
    assert found.steps == ("identity", "cpus", "adapters", "disks", "secure_boot", "boot")


def test_a_foreign_vm_with_a_machines_name_is_refused_not_touched(lab: Lab, answers: Answers) -> None:
    row = row_of(answers, "w1")
    row.update(notes="my own", path="D:\\VMs\\mine", detail=None)
    found = made(lab, answers)
    machine = next(one for one in found.machines if one.name == "w1")
    assert machine.obstacle is not None
    assert "not this lab's" in machine.obstacle.text
    assert machine not in found.work
    assert [one.action for one in found.machines if one.vm and one.vm.id == row["id"]] == ["foreign"]


@pytest.mark.parametrize(
    ("break_it", "command"),
    [
        pytest.param(lambda row: row.update(generation=1), "inv hyperv.destroy --machine w1", id="generation 1"),
    ],
)
def test_what_no_setting_repairs_is_refused_naming_the_command(
    lab: Lab, answers: Answers, break_it: Callable[[Row], None], command: str
) -> None:
    break_it(row_of(answers, "w1"))
    found = planned(lab, answers, "w1")
    assert found.action == "replace"
    assert found.obstacle is not None
    assert found.obstacle.command == command


def test_a_system_disk_of_another_size_needs_a_reinstall(lab: Lab, answers: Answers) -> None:
    next(row for row in answers["pc1"]["disks"] if row["mark"]["machine"] == "w1")["size_bytes"] = 20 * 2**30
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert obstacle.command == "inv os.reinstall --machine w1"


def test_a_half_discarded_machine_is_sent_back_to_what_discards(lab: Lab, answers: Answers) -> None:
    next(row for row in answers["pc1"]["disks"] if row["mark"]["machine"] == "w1")["mark"]["kind"] = "discarded"
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert obstacle.command.startswith("inv os.reinstall --machine w1; ")
    assert obstacle.command.endswith("inv lab.discard")


def test_a_machine_on_the_wrong_host_is_refused(lab: Lab, answers: Answers) -> None:
    row = row_of(answers, "w1")
    answers["pc1"]["vms"].remove(row)
    answers["pc2"]["vms"].append(row)
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert obstacle.command == "inv hyperv.destroy --machine w1"


def test_two_vms_with_one_mark_are_refused(lab: Lab, answers: Answers) -> None:
    twin = copy.deepcopy(row_of(answers, "w1"))
    twin.update(id="ffffffff-0000-0000-0000-000000000000", name="copy of w1")
    answers["pc1"]["vms"].append(twin)
    obstacle = planned(lab, answers, "w1").obstacle
    assert obstacle is not None
    assert "several VMs" in obstacle.text


def test_a_marked_vm_that_is_not_described_is_listed_for_destruction_only(lab: Lab, answers: Answers) -> None:
    row = copy.deepcopy(row_of(answers, "w1"))
    row.update(id="eeeeeeee-0000-0000-0000-000000000000", name="lab-7e57-w9", notes='{"lab":"lab-7e57","machine":"w9"}')
    answers["pc1"]["vms"].append(row)
    found = made(lab, answers)
    assert [one.action for one in found.machines if one.name == "w9"] == ["destroy"]
    assert not found.work
    assert not found.refused


def test_another_labs_vm_is_foreign(lab: Lab, answers: Answers) -> None:
    row = copy.deepcopy(row_of(answers, "w1"))
    row.update(id="dddddddd-0000-0000-0000-000000000000", name="lab-beef-w1", notes='{"lab":"lab-beef","machine":"w1"}')
    row["detail"] = None
    answers["pc1"]["vms"].append(row)
    assert [one.action for one in made(lab, answers).machines if one.name == "lab-beef-w1"] == ["foreign"]
