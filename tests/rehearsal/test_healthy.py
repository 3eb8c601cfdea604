"""A healthy lab: everything that converges finds nothing to do. How long that takes stands at the end of the output."""

from __future__ import annotations

from tests.rehearsal.conftest import say_stages
from tests.rehearsal.rehearsing import Rehearsal


def test_lab_up_changes_nothing(room: Rehearsal) -> None:
    run = room.inv("lab.up")
    say_stages(run)
    assert run.code == 0, run
    changed = {row["step"]: row["changed"] for row in run.ends if row["changed"] is not False}
    assert changed == {}, run
    assert run.mutating == []


def test_creating_vms_a_second_time_asks_each_pc_once_and_changes_nothing(room: Rehearsal) -> None:
    run = room.inv("hyperv.create")
    say_stages(run)
    assert run.code == 0, run
    assert [(row["step"], row["changed"]) for row in run.ends] == [("hyperv.create", False)]
    assert [call["script"] for call in run.calls] == ["Get-LabHost", "Get-LabHost"]


def test_verification_named_before_a_change_runs_after_it(room: Rehearsal) -> None:
    run = room.inv("verify.nodes", "k8s.join")
    assert run.code == 0, run
    assert [row["step"] for row in run.ends][-1] == "verify.nodes"
    assert "k8s.join" in [row["step"] for row in run.ends]
