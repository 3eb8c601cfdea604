"""How a VM that is there differs from its description, property by property. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labkit.hyperv.facts import DiskFacts, VmFacts
from labkit.hyperv.specs import MB, SECURE_BOOT_TEMPLATE, START_ACTION, STOP_ACTION, AdapterSpec, DiskKind, MachineSpec


@dataclass(frozen=True)
class Change:
    """One difference: the step that removes it, a sentence, and whether the VM must be off for it."""

    step: str
    text: str
    needs_off: bool = False


def differences(spec: MachineSpec, vm: VmFacts, attach: Mapping[DiskKind, DiskFacts]) -> Iterator[Change]:
    """Every difference; `attach` are disks of the machine that survived without being in a VM."""
    yield from _settings(spec, vm)
    yield from _adapters(spec, vm)
    yield from _disks(spec, vm, attach)
    yield from _firmware(spec, vm)


def _settings(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    if vm.name != spec.vm_name:
        yield Change("identity", f"named {vm.name}, not {spec.vm_name}")
    if not vm.notes_kept:
        yield Change("identity", "its making was cut off: no mark in its Notes")
    if vm.cpus != spec.cpus:
        yield Change("cpus", f"cpus {vm.cpus} -> {spec.cpus}", needs_off=True)
    if vm.dynamic_memory:
        yield Change("memory", "dynamic memory -> static", needs_off=True)
    if vm.memory_bytes != spec.memory_bytes:
        text = f"memory_mb {vm.memory_bytes // MB} -> {spec.memory_bytes // MB}"
        yield Change("memory", text, needs_off=True)
    if vm.automatic_checkpoints or (vm.start_action, vm.stop_action) != (START_ACTION, STOP_ACTION):
        yield Change("policy", "automatic checkpoints, start or stop action")


def _adapters(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    names = [adapter.name for adapter in vm.adapters]
    wanted = [adapter.name for adapter in spec.adapters]
    for name in names:
        if name not in wanted or names.count(name) > 1:
            yield Change("adapters", f"adapter {name} is not described", needs_off=True)
    for adapter in spec.adapters:
        yield from _adapter(adapter, vm)


def _adapter(spec: AdapterSpec, vm: VmFacts) -> Iterator[Change]:
    found = vm.adapter(spec.name)
    if found is None:
        yield Change("adapters", f"adapter {spec.name} is missing")
        return
    if found.dynamic_mac or found.mac != spec.mac:
        was = "dynamic" if found.dynamic_mac else found.mac
        yield Change("adapters", f"MAC of {spec.name} {was} -> {spec.mac}", needs_off=True)
    if found.switch != spec.switch:
        yield Change("adapters", f"{spec.name} is on switch {found.switch or '(none)'}, not {spec.switch}")
    if found.mode != ("Access" if spec.vlan else "Untagged") or found.vlan != spec.vlan:
        was = str(found.vlan) if found.vlan else found.mode
        yield Change("adapters", f"VLAN of {spec.name} {was} -> {spec.vlan or 'untagged'}")
    if (found.dhcp_guard, found.router_guard) != (spec.is_guarded, spec.is_guarded):
        yield Change("adapters", f"DHCP and router guard of {spec.name} -> {'on' if spec.is_guarded else 'off'}")


def _disks(spec: MachineSpec, vm: VmFacts, attach: Mapping[DiskKind, DiskFacts]) -> Iterator[Change]:
    wanted: dict[DiskKind, DiskFacts | None] = {"system": vm.system_disk}
    if spec.data_disk_bytes:
        wanted["data"] = vm.data_disk
    for kind, disk in wanted.items():
        if disk is None and kind in attach:
            yield Change("disks", f"{kind} disk {attach[kind].id} is attached again", needs_off=kind == "system")
        elif disk is None:
            yield Change("disks", f"{kind} disk is missing: a blank one", needs_off=kind == "system")
        elif not disk.marked:
            yield Change("disks", f"mark of {kind} disk {disk.id} is missing")


def _firmware(spec: MachineSpec, vm: VmFacts) -> Iterator[Change]:
    if not vm.secure_boot or vm.template != SECURE_BOOT_TEMPLATE:
        was = vm.template if vm.secure_boot else "off"
        yield Change("secure_boot", f"Secure Boot {was} -> {SECURE_BOOT_TEMPLATE}", needs_off=True)
    mgmt = vm.adapter(spec.adapters[0].name)
    drive = next((d for d in vm.drives if vm.system_disk and d.path == vm.system_disk.path), None)
    if mgmt is None or drive is None or _starting(vm)[:2] != (drive.id, mgmt.id):
        yield Change("boot", "boot order -> system disk, then adapter mgmt", needs_off=True)


def _starting(vm: VmFacts) -> tuple[str, ...]:
    """What the VM starts from, without the DVDs behind the first entry, which the boot disk came with."""
    dvds = {dvd.id for dvd in vm.dvds}
    return (*vm.boot[:1], *(device for device in vm.boot[1:] if device not in dvds))
