"""Creating, repairing, resetting and removing machines on stand-in PCs, through WinRM."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from labkit import obstacles
from labkit.errors import LabError, RefusedError
from labkit.hyperv import check, create, destroy, discard, power
from labkit.lab import lifecycle
from labkit.machines import entry
from tests.labs import untagged

pytestmark = pytest.mark.network


def created(pcs: Any) -> dict[str, tuple[str, ...]]:
    return create.create(pcs.session())


def test_from_nothing_to_six_machines_in_two_calls_a_host_and_a_second_run_in_one(bare_pcs: Any) -> None:
    session = bare_pcs.session()
    check.check(session)
    assert all(create.create(session).values())
    assert Counter(bare_pcs.calls()) == {
        (host, script): 1 for host in ("pc1", "pc2") for script in ("Get-LabHost", "New-LabMachine")
    }
    assert not any(created(bare_pcs).values())
    assert Counter(script for _, script in bare_pcs.calls()) == {"Get-LabHost": 4, "New-LabMachine": 2}
    assert set(bare_pcs.actions().values()) == {"unchanged"}


def without_adapters(vm: dict[str, Any]) -> None:
    vm["adapters"].clear()
    vm["boot_order"] = [entry for entry in vm["boot_order"] if entry["type"] != "network"]


def half_made(vm: dict[str, Any]) -> None:
    """As a New-VM leaves it whose connection dropped right after."""
    without_adapters(vm)
    vm.update(notes="", drives=[], boot_order=[], cpus=1, secure_boot_template="MicrosoftWindows")


Change = Callable[[dict[str, Any]], None]
DRIFT: list[Change] = [
    lambda vm: vm.update(cpus=1),
    lambda vm: vm.update(memory_bytes=2**31),
    lambda vm: vm.update(dynamic_memory=True),
    lambda vm: vm.update(secure_boot_template="MicrosoftWindows"),
    lambda vm: vm.update(secure_boot=False),
    lambda vm: vm["boot_order"].reverse(),
    lambda vm: vm["adapters"][0].update(mac="00155D010203"),
    lambda vm: vm["adapters"][1].update(vlan=77),
    lambda vm: vm["adapters"][2].update(switch=None),
    lambda vm: vm["adapters"][2].update(dhcp_guard=False),
    without_adapters,
    lambda vm: vm.update(boot_order=[]),
    half_made,
]


@pytest.mark.parametrize("some", [DRIFT[:6], DRIFT[6:12], DRIFT[12:]], ids=["settings", "adapters", "cut off"])
def test_drift_of_machines_that_are_off_is_found_and_repaired(pcs: Any, some: list[Change]) -> None:
    broken = dict(zip(("bootstrap", "cp1", "w1", "w2", "w3", "storage1"), some, strict=False))
    for machine, break_it in broken.items():
        pcs.change(machine, break_it)
    done = created(pcs)
    assert {name for name, steps in done.items() if steps} == set(broken)
    assert set(pcs.actions().values()) == {"unchanged"}


def test_a_running_machine_that_would_have_to_stop_is_refused_and_left_alone(pcs: Any) -> None:
    power.start(pcs.session(), ["w1"])
    pcs.change("w1", lambda vm: vm.update(cpus=1))
    before = pcs.state("pc1").read()["vms"]
    with pytest.raises(RefusedError, match="cpus 1 -> 2"):
        created(pcs)
    assert pcs.state("pc1").read()["vms"] == before


def test_a_deleted_vm_gets_its_own_disks_back(pcs: Any) -> None:
    before = pcs.session().hosts.read()["pc2"].machines["storage1"]
    pcs.forget_vm("storage1")
    assert pcs.actions()["storage1"] == "attach"
    created(pcs)
    after = pcs.session().hosts.read()["pc2"].machines["storage1"]
    assert after.id != before.id
    assert (after.system_disk, after.data_disk) == (before.system_disk, before.data_disk)


def test_a_foreign_vm_of_the_same_name_is_refused_and_never_touched(pcs: Any) -> None:
    pcs.change("w1", lambda vm: vm.update(notes="mine", path="D:\\mine\\x"))
    before = pcs.state("pc1").read()["vms"]
    with pytest.raises(RefusedError, match="is not this lab's"):
        created(pcs)
    destroy.remove(session := pcs.session(), destroy.find(session))
    left = pcs.state("pc1").read()["vms"]
    assert [vm["notes"] for vm in left.values()] == ["mine"]
    assert all(before[vm_id] == vm for vm_id, vm in left.items())


def add_a_copy(pcs: Any, machine: str) -> None:
    """A second VM with a machine's mark, as an import of an exported one makes it."""
    with pcs.changing(machine) as (vm, state):
        fresh = "0" * 8 + vm["id"][8:]
        state["vms"][fresh] = {**vm, "id": fresh, "name": "copy", "drives": []}


@pytest.mark.parametrize("told", ["its data disk has 100 GB, not 200", "several VMs carry the mark of w2", "no key"])
def test_what_would_stop_the_building_is_found_before_any_system_goes(
    pcs: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", pcs.lab.name)
    entry.prepare(pcs.lab, pcs.session().state)
    if told.startswith("its data disk"):
        storage = replace(pcs.lab.machine("storage1"), data_disk_gb=200)
        others = tuple(storage if one.name == "storage1" else one for one in pcs.lab.machines)
        pcs = replace(pcs, lab=replace(pcs.lab, machines=others))
    elif told == "no key":
        for file in ("id_ed25519", "id_ed25519.pub", "known_hosts"):
            (pcs.session().state.path / file).unlink(missing_ok=True)
        shutil.rmtree(pcs.session().state.bootstrap)
        disk = pcs.session().hosts.read()["pc1"].machines["bootstrap"].system_disk.path
        file = pcs.state("pc1").local(disk)  # the stand-in's disk says how much was written to it
        file.write_text(file.read_text("ascii").replace("{", '{"file_bytes": 2000000000, ', 1), encoding="ascii")
    else:
        add_a_copy(pcs, "w2")
    before = [pcs.state(host).read()["vms"] for host in ("pc1", "pc2")]
    for act in (obstacles.check, partial(lifecycle.discard, dry=False)):
        with pytest.raises(RefusedError, match=told):
            act(pcs.session())
    assert [pcs.state(host).read()["vms"] for host in ("pc1", "pc2")] == before
    assert {script for _, script in pcs.calls() if not script.startswith("Get-")} == set()


def test_machines_start_once_and_a_guest_that_cannot_be_asked_keeps_running(pcs: Any) -> None:
    assert power.start(pcs.session(), ["cp1", "w2"]) == ["cp1", "w2"]
    assert power.start(pcs.session(), ["cp1", "w2"]) == []
    with pytest.raises(LabError, match="machine cp1") as caught:
        power.stop(pcs.session(), ["cp1"])
    assert "--cut-power" in str(caught.value.hint)
    assert pcs.session().hosts.read()["pc1"].machines["cp1"].state == "Running"
    assert power.stop(pcs.session(), ["cp1", "w2"], cut_power=True) == ["cp1", "w2"]


def test_a_reset_gives_fresh_disks_and_keeps_the_data(pcs: Any) -> None:
    power.start(pcs.session(), ["storage1"])
    before = pcs.session().hosts.read()["pc2"].machines["storage1"]
    assert discard.reset(pcs.session(), discard.find(pcs.session(), ["storage1"])) == ["storage1"]
    after = pcs.session().hosts.read()["pc2"].machines["storage1"]
    assert after.state == "Off"
    assert after.system_disk.id != before.system_disk.id
    assert after.data_disk == before.data_disk
    assert not [name for name in pcs.files("pc2") if before.system_disk.id in name]
    assert set(pcs.actions().values()) == {"unchanged"}


def test_a_reset_that_was_cut_off_after_condemning_the_disk_can_be_repeated(pcs: Any) -> None:
    disk = pcs.session().hosts.read()["pc1"].machines["w1"].system_disk
    mark = pcs.state("pc1").local(f"{disk.path}.lab.json")
    mark.write_text(mark.read_text("ascii").replace('"system"', '"discarded"'), encoding="ascii")
    with pytest.raises(RefusedError, match=r"lab\.discard"):
        created(pcs)
    discard.reset(pcs.session(), discard.find(pcs.session(), ["w1"]))
    assert set(pcs.actions().values()) == {"unchanged"}
    assert not [name for name in pcs.files("pc1") if disk.id in name]


def test_removal_leaves_everything_foreign_and_the_data_disk_which_comes_back(pcs: Any) -> None:
    before = pcs.session().hosts.read()["pc2"].machines["storage1"].data_disk
    power.start(pcs.session(), ["w2"])
    foreign = pcs.state("pc2").local("C:\\Lab\\lab-7e57\\w2\\notes.txt")
    foreign.write_text("mine", encoding="ascii")
    pcs.forget_vm("w3")  # half of it is gone already
    destroy.remove(session := pcs.session(), destroy.find(session))
    assert [pcs.state(host).read()["vms"] for host in ("pc1", "pc2")] == [{}, {}]
    assert pcs.files("pc1") == set()
    left = sorted(name.rpartition("/")[2].partition("-")[0] for name in pcs.files("pc2"))
    assert left == ["data", "data", "notes.txt"]
    assert destroy.find(pcs.session()) == []
    created(pcs)
    assert pcs.session().hosts.read()["pc2"].machines["storage1"].data_disk == before


def test_with_the_service_down_nothing_is_believed_and_nothing_changed(pcs: Any) -> None:
    pcs.update("pc1", services={"vmms": "Stopped", "WinRM": "Running"})
    before = pcs.state("pc1").read()
    for act in (
        lambda: created(pcs),
        lambda: create.missing(pcs.session()),
        lambda: discard.find(pcs.session(), ["w1"]),
        lambda: destroy.find(pcs.session()),
        lambda: power.start(pcs.session(), ["w1"]),
    ):
        with pytest.raises(RefusedError, match="vmms"):
            act()
    assert pcs.state("pc1").read() == before


def test_a_missing_switch_is_one_clear_message(bare_pcs: Any) -> None:
    bare_pcs.update("pc2", switches=[])
    with pytest.raises(RefusedError, match="host pc2: there is no virtual switch Lab"):
        check.check(bare_pcs.session())


def test_a_korean_switch_name_survives_the_way_there_and_back(bare_pcs: Any) -> None:
    name = "한국어 스위치"
    for host in ("pc1", "pc2"):
        bare_pcs.update(host, switches=[bare_pcs.state(host).read()["switches"][0] | {"name": name}])
    switch = replace(bare_pcs.lab.switches[0], name=name)
    korean = replace(bare_pcs, lab=replace(bare_pcs.lab, switches=(switch,)))
    created(korean)
    assert set(korean.actions().values()) == {"unchanged"}


def test_untagged_networks_are_built_and_recognized(bare_pcs: Any) -> None:
    without = replace(bare_pcs, lab=replace(untagged(), hosts=bare_pcs.lab.hosts))
    created(without)
    assert set(without.actions().values()) == {"unchanged"}
    vms = [vm for host in ("pc1", "pc2") for vm in bare_pcs.state(host).read()["vms"].values()]
    assert {adapter["vlan"] for vm in vms for adapter in vm["adapters"]} == {None}
    assert set(bare_pcs.actions().values()) == {"change"}  # the tagged lab sees what differs
