"""The answers of the scripts about checkpoints. `given` holds the parameters, named as the scripts name them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rehearsal.hosts.answers import build, changes
from rehearsal.hosts.pc import checkpoints, disks, machines, power
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

MERGE_POLL_S = 0.1


def new_lab_checkpoint(pc: HostState, given: Json) -> Json:
    """Take a checkpoint of machines that are off."""

    def work(wanted: Json, answer: Json) -> None:
        vm, found = _found(pc, given, wanted)
        if vm["state"] != "Off":
            raise RefusedError(f"{vm['name']} is not off", "LabNotOff", "InvalidOperation")
        if not found:
            with _apart(pc, vm["id"], wanted["apart"]):
                checkpoints.take(pc, vm["id"], given["Name"])
            answer["changed"] = ["checkpoint"]
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return changes.each(given["Machine"], work, state="")


def restore_lab_checkpoint(pc: HostState, given: Json) -> Json:
    """Take machines back to a checkpoint."""

    def work(wanted: Json, answer: Json) -> None:
        vm, found = _found(pc, given, wanted)
        if len(found) != 1:
            text = f"{vm['name']} has {len(found)} checkpoints named {given['Name']}"
            raise RefusedError(text, "LabNoCheckpoint", "ObjectNotFound")
        if vm["state"] != "Off":
            _stop(pc, vm, clean=bool(wanted["apart"]))
            answer["changed"].append("stopped")
        with _apart(pc, vm["id"], wanted["apart"]):
            checkpoints.restore(pc, vm["id"], found[0]["id"])
        answer["changed"].append("restored")
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return changes.each(given["Machine"], work, state="")


def remove_lab_checkpoint(pc: HostState, given: Json) -> Json:
    """Remove a checkpoint of machines."""

    def work(wanted: Json, answer: Json) -> None:
        vm, found = _found(pc, given, wanted)
        for one in found:
            checkpoints.forget(pc, vm["id"], one["id"])
            answer["changed"] = ["removed"]
        for path in _left_out(pc, vm["id"], wanted["apart"]):
            disks.attach(pc, vm["id"], "drives", path)
            answer["changed"].append("attached")
        _wait_merge(pc, vm["id"])
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return changes.each(given["Machine"], work, state="")


def _found(pc: HostState, given: Json, wanted: Json) -> tuple[Json, list[Json]]:
    """Return the machine's VM and its checkpoints of that name; refused when it is not of the lab."""
    vm = machines.get(pc, wanted["id"])
    if not changes.carries(vm, given["Lab"], wanted["name"]):
        raise changes.not_ours(vm, given["Lab"])
    return vm, [one for one in vm["snapshots"] if one["name"].lower() == given["Name"].lower()]


def _wait_merge(pc: HostState, vm_id: str) -> None:
    while machines.get(pc, vm_id).get("merging_until", 0) > time.time():
        time.sleep(MERGE_POLL_S)


def _stop(pc: HostState, vm: Json, *, clean: bool) -> None:
    """Ask the guest when its disk must be left clean; one that cannot be asked, or refuses, is turned off."""
    if clean and vm["shutdown_service"]:
        with suppress(RefusedError):
            power.shut_down(pc, vm["id"])
    if machines.get(pc, vm["id"])["state"] != "Off":
        power.turn_off(pc, vm["id"])


@contextmanager
def _apart(pc: HostState, vm_id: str, paths: list[str]) -> Iterator[None]:
    """Detach disks, and attach them again whatever comes of the block."""
    build.detach(pc, vm_id, paths)
    try:
        yield
    finally:
        for path in _left_out(pc, vm_id, paths):
            disks.attach(pc, vm_id, "drives", path)


def _left_out(pc: HostState, vm_id: str, paths: list[str]) -> list[str]:
    """Return those of `paths` that are not in the VM."""
    there = {drive["path"].lower() for drive in machines.get(pc, vm_id)["drives"]}
    return [path for path in paths if path.lower() not in there]
