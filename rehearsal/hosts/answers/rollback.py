"""The answers of the scripts about checkpoints. `given` holds the parameters, named as the scripts name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.hosts.answers import changes, checkpoints, devices, machines, power
from rehearsal.hosts.answers.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json


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
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return changes.each(given["Machine"], work, state="")


def _found(pc: HostState, given: Json, wanted: Json) -> tuple[Json, list[Json]]:
    """Return the machine's VM and its checkpoints of that name; refused when it is not of the lab."""
    vm = machines.get(pc, wanted["id"])
    if not changes.carries(vm, given["Lab"], wanted["name"]):
        raise changes.not_ours(vm, given["Lab"])
    return vm, [one for one in vm["snapshots"] if one["name"].lower() == given["Name"].lower()]


def _stop(pc: HostState, vm: Json, *, clean: bool) -> None:
    if clean and vm["shutdown_service"]:
        power.shut_down(pc, vm["id"])
    else:
        power.turn_off(pc, vm["id"])


@contextmanager
def _apart(pc: HostState, vm_id: str, paths: list[str]) -> Iterator[None]:
    """Detach disks, and attach them again whatever comes of the block."""
    wanted = {path.lower() for path in paths}
    for drive in machines.get(pc, vm_id)["drives"]:
        if drive["path"].lower() in wanted:
            devices.remove(pc, vm_id, drive["id"], "drives", "RemoveVMHardDiskDrive")
    try:
        yield
    finally:
        there = {drive["path"].lower() for drive in machines.get(pc, vm_id)["drives"]}
        for path in paths:
            if path.lower() not in there:
                devices.attach(pc, vm_id, "drives", path)
