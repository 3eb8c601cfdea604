"""hyperv.create, power, reset and removal: what is sent to the hosts, how often, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.errors import LabError, MissingError, RefusedError
from labkit.hyperv import create, destroy, discard, power
from labkit.session import Session
from labkit.transport.winrm import DroppedError

Connect = Callable[[Any], Session]


def test_creating_everything_takes_one_read_and_one_write_a_host(bare_pcs: Any, on: Connect) -> None:
    done = create.create(on(bare_pcs))
    assert sorted((host, script) for host, script, _ in bare_pcs.calls) == [
        ("pc1", "Get-LabHost"), ("pc1", "New-LabMachine"), ("pc2", "Get-LabHost"), ("pc2", "New-LabMachine"),
    ]  # fmt: skip
    assert set(done) == {"bootstrap", "cp1", "w1", "w2", "w3", "storage1"}
    assert all(done.values())


def test_a_second_run_only_reads(pcs: Any, on: Connect) -> None:
    done = create.create(on(pcs))
    assert {script for _, script, _ in pcs.calls} == {"Get-LabHost"}
    assert not any(done.values())


def test_only_the_host_with_something_to_do_is_written_to_naming_existing_vms_by_id(pcs: Any, on: Connect) -> None:
    pcs.vm("w2")["detail"]["cpus"] = 1
    pcs.answers["pc2"]["vms"].remove(pcs.vm("w3"))
    create.create(on(pcs))
    ((host, parameters),) = pcs.made("New-LabMachine")
    old, new = parameters["Machine"]
    assert (host, old["name"], old["do"], old["id"]) == ("pc2", "w2", ["cpus"], pcs.vm("w2")["id"])
    assert (new["name"], new["id"]) == ("w3", "")


def test_disks_that_are_kept_are_not_marked_again_and_new_ones_get_a_fresh_id(pcs: Any, on: Connect) -> None:
    pcs.answers["pc2"]["vms"].remove(pcs.vm("storage1"))
    pcs.answers["pc2"]["disks"].remove(pcs.disk("storage1"))
    create.create(on(pcs))
    system, data = pcs.made("New-LabMachine")[0][1]["Machine"][0]["disks"]
    assert data["mark"] == ""
    assert data["path"].endswith(".vhdx")
    assert system["mark"].startswith('{"lab":"lab-7e57","machine":"storage1","disk":"')
    assert system["path"].split("-")[-1].removesuffix(".vhdx") in system["mark"]


def test_one_machine_that_must_be_stopped_refuses_the_whole_line_before_any_write(pcs: Any, on: Connect) -> None:
    pcs.vm("w1").update(state="Running")
    pcs.vm("w1")["detail"]["cpus"] = 1
    pcs.answers["pc2"]["vms"].remove(pcs.vm("w3"))
    with pytest.raises(RefusedError, match="machine w1 on pc1: it runs, and must be off for: cpus 1 -> 2"):
        create.create(on(pcs))
    assert {script for _, script, _ in pcs.calls} == {"Get-LabHost"}


def test_a_connection_lost_in_a_write_that_was_done_is_no_failure(bare_pcs: Any, pcs: Any, on: Connect) -> None:
    def done_but_lost(host: str, parameters: dict[str, Any]) -> LabError:
        bare_pcs.answers[host] = pcs.answers[host]
        return DroppedError("lost")

    bare_pcs.replies["New-LabMachine"] = done_but_lost
    session = on(bare_pcs)
    assert all(create.create(session).values())
    assert any("connection was lost" in row.get("text", "") for row in session.journal.rows())


def test_a_connection_lost_in_a_write_that_was_not_done_is_told_and_the_write_not_repeated(
    bare_pcs: Any, on: Connect
) -> None:
    bare_pcs.replies["New-LabMachine"] = lambda host, _: DroppedError(f"host {host}: lost")
    with pytest.raises(DroppedError):
        create.create(on(bare_pcs))
    assert sorted(host for host, _ in bare_pcs.made("New-LabMachine")) == ["pc1", "pc2"]


def test_the_probe_names_the_first_thing_that_is_missing(pcs: Any, bare_pcs: Any, on: Connect) -> None:
    assert create.missing(on(pcs)) is None
    assert create.missing(on(bare_pcs)) == "machine bootstrap on pc1: the VM is missing (and 5 more)"


def test_the_probe_does_not_believe_a_service_that_is_down(bare_pcs: Any, on: Connect) -> None:
    bare_pcs.answers["pc1"].update(service="Stopped", vms=[], switches=[], templates=[])
    with pytest.raises(RefusedError, match="vmms"):
        create.missing(on(bare_pcs))


def test_only_what_is_off_is_started_by_id(pcs: Any, on: Connect) -> None:
    pcs.vm("cp1")["state"] = "Running"
    pcs.replies["Start-LabMachine"] = lambda host, asked: {
        "machines": [{"name": "w1", "id": one, "changed": ["started"], "error": None} for one in asked["Id"]]
    }
    assert power.start(on(pcs), ["cp1", "w1"]) == ["w1"]
    assert pcs.made("Start-LabMachine") == [("pc1", {"Lab": "lab-7e57", "Id": [pcs.vm("w1")["id"]]})]


def test_starting_a_machine_without_vm_names_the_task_that_makes_it(bare_pcs: Any, on: Connect) -> None:
    with pytest.raises(MissingError) as caught:
        power.start(on(bare_pcs), ["w1"])
    assert caught.value.hint == "inv hyperv.create"


def test_stopping_skips_what_is_off_or_gone(pcs: Any, on: Connect) -> None:
    pcs.answers["pc2"]["vms"].remove(pcs.vm("w3"))
    assert power.stop(on(pcs), ["w1", "w3"]) == []
    assert pcs.made("Stop-LabMachine") == []


def test_a_reset_condemns_the_old_disk_and_names_ids_only(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    resets = discard.find(session, ["w1"])
    assert len(discard.describe(resets)) == 1
    discard.reset(session, resets)
    ((host, parameters),) = pcs.made("Reset-LabMachine")
    (machine,) = parameters["Machine"]
    assert (host, machine["id"]) == ("pc1", pcs.vm("w1")["id"])
    (old,) = machine["discard"]
    assert '"kind":"discarded"' in old["mark"]
    assert machine["disk"]["path"] != old["path"]


def test_a_reset_never_touches_the_data_disk(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    discard.reset(session, discard.find(session, ["storage1"]))
    (machine,) = pcs.made("Reset-LabMachine")[0][1]["Machine"]
    assert [disk["path"].rpartition("\\")[2].partition("-")[0] for disk in machine["discard"]] == ["system"]


def test_disks_left_by_a_vm_that_is_gone_are_discarded_too(pcs: Any, on: Connect) -> None:
    pcs.answers["pc1"]["vms"].remove(pcs.vm("w1"))
    session = on(pcs)
    discard.reset(session, discard.find(session, ["w1"]))
    (machine,) = pcs.made("Reset-LabMachine")[0][1]["Machine"]
    assert (machine["id"], machine["disk"], len(machine["discard"])) == ("", None, 1)


def test_nothing_to_discard_is_an_empty_list(bare_pcs: Any, on: Connect) -> None:
    assert discard.find(on(bare_pcs), ["w1", "w2"]) == []


def test_a_removal_takes_vms_and_system_disks_and_leaves_data(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    removals = destroy.find(session)
    destroy.remove(session, removals)
    machines = [machine for _, parameters in pcs.made("Remove-LabMachine") for machine in parameters["Machine"]]
    assert {machine["name"] for machine in machines} == {machine.name for machine in session.lab.machines}
    deleted = [path for machine in machines for path in machine["delete"]]
    assert len(deleted) == 6
    assert not [path for path in deleted if "data-" in path]


def test_a_removal_names_only_what_was_found_before(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    removals = destroy.find(session, ["w1"])
    pcs.vm("w1")["id"] = "99999999-0000-0000-0000-000000000000"
    destroy.remove(session, removals)
    assert pcs.made("Remove-LabMachine")[0][1]["Machine"][0]["id"] == "00000000-0000-0000-0000-000000000003"


def test_a_foreign_vm_is_never_in_a_removal(pcs: Any, on: Connect) -> None:
    pcs.vm("w1").update(notes="mine", path="D:\\x", detail=None)
    names = [removal.machine for removal in destroy.find(on(pcs)) if removal.vm]
    assert "w1" not in names
