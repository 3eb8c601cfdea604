"""A PC's power fails after each change that a script makes: the same command, typed again, finishes what was begun.

Answered by contract every change is tried; with PowerShell, which takes its time, every fifth.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LabError, RefusedError
from labkit.hyperv import checkpoints, create, destroy, discard, drift, power
from rehearsal.hosts import endpoint, outage

pytestmark = pytest.mark.network

MACHINE, HOST = "storage1", "pc2"  # it has a data disk
MOST_CHANGES = 60


def take_away(pcs: Any) -> None:
    """Leave nothing of the machine."""
    pcs.forget_vm(MACHINE)
    shutil.rmtree(pcs.state(HOST).local(f"C:\\Lab\\{pcs.lab.name}\\{MACHINE}"))


def start(pcs: Any) -> None:
    power.start(pcs.session(), [MACHINE])


def checkpoint(pcs: Any) -> None:
    hint = ""
    try:
        checkpoints.take(pcs.session(), "before")
    except RefusedError as refused:
        hint = str(refused.hint)
    if hint:  # part of it was taken: the error names the way on
        assert hint.startswith("inv hyperv.forget --name before")
        forget(pcs)
        checkpoints.take(pcs.session(), "before")


def restore(pcs: Any) -> None:
    session = pcs.session()
    checkpoints.restore(session, "before", checkpoints.find(session, "before"))


def forget(pcs: Any) -> None:
    checkpoints.forget(pcs.session(), "before")


def remove(pcs: Any) -> None:
    destroy.remove(session := pcs.session(), destroy.find(session, [MACHINE]))


def reset(pcs: Any) -> None:
    discard.reset(pcs.session(), discard.find(pcs.session(), [MACHINE]))


def checkpoint_and_start(pcs: Any) -> None:
    checkpoint(pcs)
    start(pcs)


@dataclass(frozen=True)
class Operation:
    prepare: Callable[[Any], object]
    act: Callable[[Any], object]
    is_there: bool = True  # the machine, afterwards
    has_checkpoint: bool = False


OPERATIONS = {
    "create": Operation(take_away, lambda pcs: create.create(pcs.session())),
    "reset": Operation(start, reset),
    "remove": Operation(start, remove, is_there=False),
    "checkpoint": Operation(lambda _: None, checkpoint, has_checkpoint=True),
    "restore": Operation(checkpoint_and_start, restore, has_checkpoint=True),
    "forget": Operation(checkpoint, forget),
}


def power_failed(pcs: Any, after: int, act: Callable[[Any], object]) -> bool:
    """Do something while the power may fail; tell whether it did."""
    with pcs.state(HOST).change() as state:
        state[outage.KEY] = after
    problem = f"host {HOST}"
    try:
        act(pcs)
    except LabError as error:
        problem = error.problem
    assert f"host {HOST}" in problem
    with pcs.state(HOST).change() as state:
        return state.pop(outage.KEY, None) is None


@pytest.mark.timeout(900)  # a PowerShell start for each place that the power may fail at
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_a_power_failure_cut_off_is_finished_by_the_same_command(
    pcs: Any, pwsh: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(endpoint, "RESTART_S", 0)
    operation = OPERATIONS[name]
    operation.prepare(pcs)
    shutil.copytree(pcs.root / "hosts", tmp_path / "as it was")
    data = set(data_disks(pcs)) if name != "create" else None
    for after in itertools.count(0, 5 if pwsh else 1):
        assert after < MOST_CHANGES
        if not power_failed(pcs, after, operation.act):
            break
        operation.act(pcs)
        check(pcs, operation, data)
        for host, place in itertools.product(("pc1", "pc2"), ("C", "state.json")):
            put_back(tmp_path / "as it was" / host / place, pcs.state(host).folder / place)
    assert after > 0


def put_back(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
    else:  # in one step: the PC's Task Scheduler reads it at any time
        fresh = target.with_name(f"{target.name}.back")
        shutil.copyfile(source, fresh).replace(target)


def data_disks(pcs: Any) -> list[str]:
    return [name for name in pcs.files(HOST) if "/data-" in name]


def check(pcs: Any, operation: Operation, data: set[str] | None) -> None:
    """The machine is as described, its data disk is the one it was, and no disk lies about."""
    session = pcs.session()
    facts = session.hosts.read()
    plans = {one.name: one.action for one in drift.plan(session.lab, facts).machines}
    assert plans.pop(MACHINE) == ("unchanged" if operation.is_there else "attach")
    assert set(plans.values()) == {"unchanged"}
    assert data is None or set(data_disks(pcs)) == data
    listed = checkpoints.listed(facts)
    assert sorted(listed.get("before", [])) == (
        sorted(machine.name for machine in pcs.lab.machines) if operation.has_checkpoint else []
    )
    assert not loose(pcs) if operation.is_there else loose(pcs) <= set(data_disks(pcs))


def loose(pcs: Any) -> set[str]:
    """Disks that no VM has, nor a checkpoint below one."""
    drive = pcs.state(HOST).drive
    used: set[str] = set()
    for vm in pcs.state(HOST).read()["vms"].values():
        configurations = [vm, *(snapshot["config"] for snapshot in vm["snapshots"])]
        waiting = [one["path"] for configuration in configurations for one in configuration["drives"]]
        while waiting:
            path = pcs.state(HOST).local(waiting.pop())
            used.add(str(path.relative_to(drive)))
            parent = json.loads(path.read_text())
            waiting += [parent["parent"]] if "parent" in parent else []
    return {name for name in pcs.files(HOST) if name.endswith("vhdx")} - used


def test_a_destroyed_machine_leaves_no_mark_of_a_disk_that_was_never_made(
    pcs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "RESTART_S", 0)
    lone = pcs.state(HOST).local(f"C:\\Lab\\{pcs.lab.name}\\w2\\system-0badbeef.vhdx.lab.json")
    lone.write_text(json.dumps({"lab": pcs.lab.name, "machine": "w2", "disk": "0badbeef", "kind": "system"}))
    foreign = lone.with_name("mine.vhdx.lab.json")
    foreign.write_text("not yours")
    destroy.remove(session := pcs.session(), destroy.find(session, ["w2"]))
    assert [path.name for path in lone.parent.iterdir()] == [foreign.name]
