"""The steps of New-LabMachine.ps1 and Reset-LabMachine.ps1 on one VM, for the JSON answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rehearsal.hosts.pc import adapters, disks, firmware, machines, resources
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

BLOCK_BYTES = 1 << 20


def again(work: Callable[[], None]) -> None:
    """Three tries, as the scripts give what Windows may refuse at first."""
    for left in (2, 1, 0):
        try:
            return work()
        except RefusedError:
            if not left:
                raise
    return None


def detach(pc: HostState, vm_id: str, paths: list[str]) -> None:
    """Take disks off a VM."""
    wanted = {path.lower() for path in paths}
    for drive in machines.get(pc, vm_id)["drives"]:
        if drive["path"].lower() in wanted:
            again(partial(disks.remove, pc, vm_id, drive["id"], "drives", "RemoveVMHardDiskDrive"))


def mark(pc: HostState, disk: Json) -> None:
    """Write the mark file of a disk."""
    pc.local(f"{disk['path']}.lab.json").write_text(disk["mark"] + "\r\n", encoding="ascii")


def fresh_disk(pc: HostState, wanted: Json) -> None:
    """Take the condemned disks off a VM and give it a blank one to boot from, after it the mgmt adapter."""
    vm_id, disk = wanted["id"].lower(), wanted["disk"]
    detach(pc, vm_id, [item["path"] for item in wanted["discard"]])
    mark(pc, disk)
    disks.new_disk(pc, disk["path"], disk["size_bytes"], BLOCK_BYTES)
    disks.attach(pc, vm_id, "drives", disk["path"])
    _set_boot(pc, vm_id, disk["path"], "mgmt")


def switch_name(state: Json, name: str) -> str:
    """Return a switch's name as it is written on the PC; refused when none or several have it."""
    found = [switch["name"] for switch in state["switches"] if switch["name"].lower() == name.lower()]
    if len(found) != 1:
        raise RefusedError(f"{name}, {len(found)} times", "LabSwitchMissing", "NotSpecified")
    return str(found[0])


def _set_adapters(pc: HostState, vm_id: str, wanted: Json) -> None:
    names = {adapter["name"].lower() for adapter in wanted["adapters"]}
    for adapter in machines.get(pc, vm_id)["adapters"]:
        if adapter["name"].lower() not in names:
            disks.remove(pc, vm_id, adapter["id"], "adapters", "RemoveVMNetworkAdapter")
    for want in wanted["adapters"]:
        _set_adapter(pc, vm_id, want)


def _set_adapter(pc: HostState, vm_id: str, want: Json) -> None:
    same = [a for a in machines.get(pc, vm_id)["adapters"] if a["name"].lower() == want["name"].lower()]
    adapter = same[0] if same else adapters.add(pc, vm_id, want["name"], want["mac"])
    for surplus in same[1:]:
        disks.remove(pc, vm_id, surplus["id"], "adapters", "RemoveVMNetworkAdapter")
    if adapter["dynamic_mac"] or adapter["mac"] != want["mac"]:
        adapters.set_mac(pc, vm_id, adapter["id"], want["mac"])
    guard = bool(want["guard"])
    adapters.set_adapter(pc, vm_id, adapter["id"], switch=switch_name(pc.read(), want["switch"]))
    adapters.set_adapter(pc, vm_id, adapter["id"], dhcp_guard=guard, router_guard=guard)
    adapters.set_vlan(pc, vm_id, adapter["id"], want["vlan"] or None)


def _set_disks(pc: HostState, vm_id: str, wanted: Json) -> None:
    for disk in wanted["disks"]:
        pc.local(wanted["folder"]).mkdir(parents=True, exist_ok=True)
        if disk["mark"]:
            mark(pc, disk)
        attached = {drive["path"].lower() for drive in machines.get(pc, vm_id)["drives"]}
        if disk["path"].lower() in attached:
            continue
        if not pc.local(disk["path"]).exists():
            disks.new_disk(pc, disk["path"], disk["size_bytes"], BLOCK_BYTES)
        disks.attach(pc, vm_id, "drives", disk["path"])


def _set_dvd(pc: HostState, vm_id: str, wanted: Json) -> None:
    dvds = machines.get(pc, vm_id)["dvds"]
    if dvds:
        disks.insert(pc, vm_id, dvds[0]["id"], wanted["dvd"])
    else:
        disks.attach(pc, vm_id, "dvds", wanted["dvd"])


def _set_boot(pc: HostState, vm_id: str, disk_path: str, adapter_name: str) -> None:
    vm = machines.get(pc, vm_id)
    drives = [drive["id"] for drive in vm["drives"] if drive["path"].lower() == disk_path.lower()]
    adapters = [adapter["id"] for adapter in vm["adapters"] if adapter["name"].lower() == adapter_name.lower()]
    order = [{"type": "drive", "id": one} for one in drives] + [{"type": "network", "id": one} for one in adapters]
    firmware.set_firmware(pc, vm_id, boot_order=order)


STEPS: dict[str, Callable[[HostState, str, Json], None]] = {
    "identity": lambda pc, vm, w: machines.set_properties(pc, vm, notes=w["notes"], name=w["vm_name"]),
    "cpus": lambda pc, vm, w: resources.set_processors(pc, vm, w["cpus"]),
    "memory": lambda pc, vm, w: resources.set_memory(pc, vm, dynamic=False, startup=w["memory_bytes"]),
    "policy": lambda pc, vm, w: machines.set_properties(
        pc, vm, start_action="StartIfRunning", stop_action="ShutDown", automatic_checkpoints=False
    ),
    "adapters": _set_adapters,
    "disks": _set_disks,
    "dvd": _set_dvd,
    "secure_boot": lambda pc, vm, w: firmware.set_firmware(pc, vm, secure_boot=True, template=w["template"]),
    "boot": lambda pc, vm, w: _set_boot(pc, vm, w["disks"][0]["path"], w["adapters"][0]["name"]),
}
