"""The answers of the scripts that change machines. `given` holds the parameters, named as the scripts name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rehearsal.hosts.answers import build
from rehearsal.hosts.pc import disks, machines, power
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json, NoDriveError

# One machine's share: fills in its answer (name, id, changed, state) as far as it comes.
Work = Callable[[Json, Json], None]


def new_lab_machine(pc: HostState, given: Json) -> Json:
    """Create and repair machines, doing what each one's `do` lists."""
    state = machines.require_service(pc, "GetVMSwitch")
    for wanted in given["Machine"]:
        for adapter in wanted.get("adapters", []):
            build.switch_name(state, adapter["switch"])

    def work(wanted: Json, answer: Json) -> None:
        vm_id = _resolve(pc, given["Lab"], wanted)
        answer["id"] = vm_id
        for item in wanted["do"]:
            if item in build.STEPS:
                build.STEPS[item](pc, vm_id, wanted)
        answer["changed"] = wanted["do"]
        answer["state"] = machines.get(pc, vm_id)["state"]

    return each(given["Machine"], work, id="", state="")


def start_lab_machine(pc: HostState, given: Json) -> Json:
    """Start machines by id."""

    def work(wanted: Json, answer: Json) -> None:
        vm = _marked(pc, given["Lab"], wanted["id"], answer)
        if vm["state"] != "Running":
            power.start(pc, vm["id"])
            answer["changed"] = ["started"]
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return each([{"name": "", "id": one} for one in given["Id"]], work, state="")


def stop_lab_machine(pc: HostState, given: Json) -> Json:
    """Shut machines down by id, or cut their power."""

    def work(wanted: Json, answer: Json) -> None:
        vm = _marked(pc, given["Lab"], wanted["id"], answer)
        if vm["state"] not in ("Off", "Saved"):
            (power.turn_off if given.get("CutPower") else power.shut_down)(pc, vm["id"])
            answer["changed"] = ["stopped"]
        answer["state"] = machines.get(pc, vm["id"])["state"]

    return each([{"name": "", "id": one} for one in given["Id"]], work, state="")


def reset_lab_machine(pc: HostState, given: Json) -> Json:
    """Take system disks away for good and give fresh ones."""

    def work(wanted: Json, answer: Json) -> None:
        if wanted["id"]:
            vm = machines.get(pc, wanted["id"])
            if not (carries(vm, given["Lab"], wanted["name"]) or _begun(vm, wanted)):
                raise not_ours(vm, given["Lab"])
            _cut(pc, vm, answer)
        pc.local(wanted["folder"]).mkdir(parents=True, exist_ok=True)
        for disk in wanted["discard"]:
            build.mark(pc, disk)
        if wanted["id"]:
            build.fresh_disk(pc, wanted)
            answer["changed"].append("disk")
            answer["state"] = machines.get(pc, wanted["id"])["state"]
        _delete(pc, [disk["path"] for disk in wanted["discard"]], answer)

    return each(given["Machine"], work, state="Absent")


def remove_lab_machine(pc: HostState, given: Json) -> Json:
    """Remove machines and the disks that are named."""
    everyone = {vm["id"]: vm for vm in machines.everyone(pc)}

    def work(wanted: Json, answer: Json) -> None:
        vm = everyone.get(wanted["id"].lower())
        if vm:
            if not (carries(vm, given["Lab"], wanted["name"]) or _begun(vm, wanted)):
                raise not_ours(vm, given["Lab"])
            _cut(pc, vm, answer)
            build.again(lambda: machines.remove(pc, vm["id"]))
            answer["changed"].append("removed")
        _delete(pc, wanted["delete"], answer)
        _remove_lone_marks(pc, given["Lab"], wanted)
        _remove_empty(pc, pc.local(wanted["folder"]))

    return each(given["Machine"], work, state="Absent")


def each(wanted: list[Json], work: Work, **blank: str) -> Json:
    """Do each machine's share; one that is refused carries the error and keeps nobody else from being done."""
    answers = []
    for one in wanted:
        answer: Json = {"name": one["name"], "id": one["id"], "changed": [], "error": None, **blank}
        try:
            work(one, answer)
        except RefusedError as refusal:
            answer["error"] = refusal.record()
        except NoDriveError as error:
            answer["error"] = RefusedError(str(error), "DriveNotFound", "ObjectNotFound").record()
        answers.append(answer)
    return {"changed": any(answer.get("changed") for answer in answers), "machines": answers}


def _resolve(pc: HostState, lab: str, wanted: Json) -> str:
    """Return the id of the machine's VM, made now when there is none."""
    everyone = machines.everyone(pc)
    own = [vm for vm in everyone if carries(vm, lab, wanted["name"]) or _begun(vm, wanted)]
    if wanted["id"]:
        own = [vm for vm in own if vm["id"] == wanted["id"].lower()]
    if own:
        return str(own[0]["id"])
    if wanted["id"]:
        raise RefusedError(f"no VM {wanted['id']} of {lab}", "LabNotOurs", "ObjectNotFound")
    if any(vm["name"].lower() == wanted["vm_name"].lower() for vm in everyone):
        raise RefusedError(f"another VM is named {wanted['vm_name']}", "LabNameTaken", "ResourceExists")
    vm = machines.new(pc, wanted["vm_name"], wanted["folder"])
    machines.set_properties(pc, vm["id"], notes=wanted["notes"])
    return str(vm["id"])


def carries(vm: Json, lab: str, machine: str) -> bool:
    """Tell whether a VM has the mark of that machine in its Notes."""
    mark = mark_of(vm)
    return mark.get("lab") == lab and mark.get("machine") == machine


def _begun(vm: Json, wanted: Json) -> bool:
    """Whether a call was cut off before it wrote the Notes: none, in this machine's own folder."""
    return not vm["notes"] and vm["path"].lower().startswith(f"{wanted['folder']}\\".lower())


def mark_of(vm: Json) -> Json:
    """Return what a VM's Notes say as JSON; {} for anything else."""
    return _json(vm["notes"])


def _json(text: str) -> Json:
    try:
        mark = json.loads(text)
    except ValueError:
        return {}
    return mark if isinstance(mark, dict) else {}


def not_ours(vm: Json, lab: str) -> RefusedError:
    """Refuse a VM without the mark."""
    return RefusedError(f"{vm['name']} is not of {lab}", "LabNotOurs", "PermissionDenied")


def _marked(pc: HostState, lab: str, vm_id: str, answer: Json) -> Json:
    """Return a VM of this lab by id, and tell its machine's name."""
    vm = machines.get(pc, vm_id)
    mark = mark_of(vm)
    answer["name"] = str(mark.get("machine", ""))
    if mark.get("lab") != lab:
        raise not_ours(vm, lab)
    return vm


def _cut(pc: HostState, vm: Json, answer: Json) -> None:
    if vm["state"] != "Off":
        power.turn_off(pc, vm["id"])
        answer["changed"].append("stopped")


def delete(pc: HostState, path: str) -> None:
    """Delete a file that is there."""
    build.again(lambda: disks.before_delete(pc, path))
    pc.local(path).unlink()


def _delete(pc: HostState, paths: list[str], answer: Json) -> None:
    for name in (name for path in paths for name in (path, f"{path}.lab.json")):
        if pc.local(name).exists():
            delete(pc, name)
            answer["changed"].append("deleted")
    answer["changed"] = list(dict.fromkeys(answer["changed"]))


def _remove_lone_marks(pc: HostState, lab: str, wanted: Json) -> None:
    """Remove marks of disks that were never made, or are gone."""
    for path in sorted(pc.local(wanted["folder"]).glob("*.vhdx.lab.json")):
        mark = _json(path.read_text(encoding="ascii"))
        own = mark.get("lab") == lab and mark.get("machine") == wanted["name"]
        if own and not path.with_name(path.name.removesuffix(".lab.json")).exists():
            delete(pc, pc.windows(path))


def _remove_empty(pc: HostState, folder: Path) -> None:
    if not folder.is_dir():
        return
    for inner in folder.iterdir():
        if inner.is_dir():
            _remove_empty(pc, inner)
    if not any(folder.iterdir()):
        build.again(lambda: disks.before_delete(pc, pc.windows(folder)))
        folder.rmdir()
