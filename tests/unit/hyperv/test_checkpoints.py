"""Checkpoints of the whole lab: what is refused, what is told, what is asked of the hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.errors import ConfigError, LabError, MissingError, RefusedError, UnreachableError
from labkit.hyperv import checkpoints, destroy, discard, drift
from labkit.session import Session

Connect = Callable[[Any], Session]


def have(pcs: Any, name: str, *machines: str, disks: tuple[str, ...] = (), time: str = "2026-11-23T10:00:00Z") -> None:
    for machine in machines:
        pcs.vm(machine)["detail"]["checkpoints"].append({"name": name, "time": time, "disks": list(disks)})


def lay_over(pcs: Any, machine: str) -> str:
    """Put a layer above its system disk, as a checkpoint does; return its path."""
    drive = pcs.vm(machine)["detail"]["drives"][0]
    drive["path"] = drive["path"].removesuffix(".vhdx") + "_0F1E2D3C-7A35-4A45-9A51-52E4B5F1A001.avhdx"
    return str(drive["path"])


def everyone(session: Session) -> list[str]:
    return [machine.name for machine in session.lab.machines]


def test_a_name_that_is_taken_in_other_letters_is_taken(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    have(pcs, "Before", *everyone(session))
    with pytest.raises(RefusedError, match="there is a checkpoint before already"):
        checkpoints.take(session, "before")
    assert [place.machine for place in checkpoints.find(session, "BEFORE")] == everyone(session)


def test_an_unfinished_taking_names_the_command_that_clears_it(pcs: Any, on: Connect) -> None:
    session, lost = on(pcs), UnreachableError("host pc2: lost")
    answered = pcs.replies["New-LabCheckpoint"]
    pcs.replies["New-LabCheckpoint"] = lambda host, given: lost if host == "pc2" else answered(host, given)
    with pytest.raises(LabError, match="host pc2: lost") as caught:
        checkpoints.take(session, "before")
    assert type(caught.value) is UnreachableError
    assert "inv hyperv.forget --name before, then take it again" in str(caught.value.hint)


def test_nothing_is_taken_discarded_or_removed_while_disks_are_merged(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    lay_over(pcs, "w1")
    for act in (
        lambda: checkpoints.take(session, "before"),
        lambda: discard.find(session, ["w1"]),
        lambda: destroy.find(session),
    ):
        with pytest.raises(RefusedError, match=r"lab-7e57-w1: .* still being merged"):
            act()
    assert {script for _, script, _ in pcs.calls} == {"Get-LabHost"}


def test_forgetting_waits_for_merges_that_an_earlier_call_left(pcs: Any, on: Connect) -> None:
    lay_over(pcs, "w1")
    assert checkpoints.forget(on(pcs), "before") == []
    assert [one["name"] for _, given in pcs.made("Remove-LabCheckpoint") for one in given["Machine"]] == ["w1"]


def test_a_checkpoint_that_holds_a_data_disk_is_never_gone_back_to(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    have(pcs, "by hand", *(name for name in everyone(session) if name != "storage1"))
    disks = tuple(drive["path"] for drive in pcs.vm("storage1")["detail"]["drives"])
    have(pcs, "by hand", "storage1", disks=disks)
    with pytest.raises(RefusedError, match="of storage1 holds the data disk") as caught:
        checkpoints.find(session, "by hand")
    assert caught.value.hint == 'inv hyperv.forget --name "by hand"'


@pytest.mark.parametrize("find", [discard.find, destroy.find])
def test_checkpoints_refuse_reset_and_removal_each_named_with_its_command(
    pcs: Any, on: Connect, find: Callable[[Session, list[str]], object]
) -> None:
    have(pcs, "before", "w1")
    have(pcs, "w2 - (11/23/2026)", "w2")
    with pytest.raises(RefusedError, match="lab-7e57-w1, lab-7e57-w2: checkpoints") as caught:
        find(on(pcs), ["w1", "w2"])
    assert "inv hyperv.forget --name before" in str(caught.value.hint)
    assert 'inv hyperv.forget --name "w2 - (11/23/2026)"' in str(caught.value.hint)


def test_a_machine_that_was_made_again_since_keeps_the_whole_lab_from_going_back(pcs: Any, on: Connect) -> None:
    session = on(pcs)
    have(pcs, "before", *(name for name in everyone(session) if name != "w2"))
    with pytest.raises(MissingError, match="no checkpoint before of w2"):
        checkpoints.find(session, "before")


def test_a_disk_below_a_checkpoint_is_still_the_machines_own(pcs: Any, on: Connect) -> None:
    """Its layer is what is attached; the file below carries the mark and belongs to nobody else."""
    session = on(pcs)
    have(pcs, "before", *everyone(session))
    layer = lay_over(pcs, "w1")
    facts = session.hosts.read()
    assert {one.action for one in drift.plan(session.lab, facts).machines} == {"unchanged"}
    here = facts["pc1"]
    assert [drive.path for drive in here.machines["w1"].drives] == [layer]
    assert here.machines["w1"].system_disk is not None
    assert here.loose_disks("w1", "system") == ()


def test_checkpoints_are_listed_oldest_first(pcs: Any, on: Connect) -> None:
    have(pcs, "second", "w1", time="2026-11-24T10:00:00Z")
    have(pcs, "first", "w2", time="2026-11-22T10:00:00Z")
    assert checkpoints.listed(on(pcs).hosts.read()) == {"first": ["w2"], "second": ["w1"]}


def test_a_name_is_needed() -> None:
    with pytest.raises(ConfigError, match="which checkpoint"):
        checkpoints.given("")
    assert checkpoints.given("w2 - (11/23/2026)") == "w2 - (11/23/2026)"
