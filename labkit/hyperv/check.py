"""Can the lab be built on these hosts? One small rule a failure mode; all rules on all hosts, told together.

Rules read facts and never text that Windows translates. A rule yields a Finding for each thing that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from labkit.errors import together
from labkit.hyperv.facts import HostFacts
from labkit.hyperv.findings import Facts, Finding, other_labs, refusal, service_answers
from labkit.hyperv.preparation import network_is_private, stays_awake, winrm_is_for_the_lan
from labkit.hyperv.room import (
    addresses_are_free,
    architecture_is_x86_64,
    clock_is_right,
    hypervisor_runs,
    lan_is_the_described_one,
    nat_is_free,
    processor_suffices,
    range_behind_nat_is_its_own,
    uplink_passes_tags,
    vlans_are_free,
)
from labkit.hyperv.specs import GB, SECURE_BOOT_TEMPLATE, MachineSpec, specs
from labkit.hyperv.switch import switch_is_suitable
from labkit.media.dvd import HOW_TO_GET_IT

if TYPE_CHECKING:
    from labkit.description.lab import Lab
    from labkit.session import Session

OLDEST_POWERSHELL = (5, 1)
WINDOWS_NEEDS_BYTES = 2 * GB
FILE_SYSTEMS = ("NTFS", "ReFS")
WITHOUT_MEMORY = ("Off", "Saved", "FastSaved", "Hibernated")  # a paused VM keeps its memory
DISK_START_BYTES = {"system": 8 * GB, "data": 1 * GB}  # what a fresh dynamic disk grows to within a build


def check(session: Session, only: Collection[str] | None = None) -> Facts:
    """Read all hosts once and apply every rule; return the facts. With `only`, what is wrong with others is left out.

    Warnings are told once a run. Raises RefusedError with all other findings, or together with them the errors of hosts
    that could not be read.
    """
    facts, errors = session.hosts.survey(probe=True)
    findings = [one for one in problems(session.lab, facts) if only is None or one.host in only]
    for one in findings:
        if one.is_warning:
            session.warn(f"{one}\nhint: {one.fix}")
    if wrong := [one for one in findings if not one.is_warning]:
        errors.append(refusal(wrong))
    if errors:
        raise together(errors)
    return facts


def problems(lab: Lab, facts: Facts) -> list[Finding]:
    """Every finding of every rule, for the hosts whose facts are there. Pure."""
    silent = [finding for here in facts.values() for finding in service_answers(here)]
    answering = {name: here for name, here in facts.items() if here.answers}
    return silent + [finding for rule in RULES for finding in rule(lab, answering)]


def powershell_is_new_enough(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Old Windows answers with 4.0 or 5.0."""
    for name, here in facts.items():
        if tuple(int(part) for part in here.powershell.split(".")[:2]) < OLDEST_POWERSHELL:
            fix = "install Windows Management Framework 5.1, or use Windows 10 or 11"
            yield Finding(name, f"PowerShell is {here.powershell}", "the scripts need Windows PowerShell 5.1", fix)


def template_is_there(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Linux boot loaders are signed for one Secure Boot template only."""
    for name, here in facts.items():
        if SECURE_BOOT_TEMPLATE not in here.templates:
            found = f"no Secure Boot template {SECURE_BOOT_TEMPLATE} (there: {', '.join(here.templates) or 'none'})"
            yield Finding(name, found, "Rocky Linux does not start with another", "update Windows there")


def names_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Hyper-V itself would allow a second VM of the same name, and later act on both."""
    names = {(spec.host, spec.vm_name.lower()): spec.name for spec in specs(lab)}
    for name, here in facts.items():
        for vm in here.foreign:
            machine = names.get((name, vm.name.lower()))
            if machine:
                fix = "rename or remove it in Hyper-V Manager, or choose another lab.id"
                yield Finding(name, f"{vm.name} is not this lab's", f"machine {machine} needs that name", fix)


def macs_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Both hosts share a LAN, so an address must be free on both, and among all that they heard of."""
    own = {str(interface.address) for machine in lab.machines for interface in machine.interfaces}
    ours = {adapter.mac: spec.name for spec in specs(lab) for adapter in spec.adapters}
    for name, here in facts.items():
        taken = [(f"VM {vm.name}", mac.upper()) for vm in here.foreign for mac in vm.macs]
        taken += [(f"adapter {adapter.name}", adapter.mac.upper()) for adapter in here.adapters]
        taken += [(f"the device at {address}", mac) for address, mac in here.readiness.neighbours if address not in own]
        for who, mac in taken:
            if mac in ours:
                why = f"it is machine {ours[mac]}'s in this lab"
                yield Finding(name, f"{who} has the MAC {mac}", why, "change it there, or choose another lab.id")


def memory_suffices(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Machines have static memory: what is not there keeps them from starting.

    What is built in and never free for them refuses; what programs use now may be free again when they start.
    """
    for name, here in facts.items():
        wanted = sum(spec.memory_bytes for spec in specs(lab) if spec.host == name)
        foreign = sum(max(vm.memory_bytes, vm.assigned_bytes) for vm in here.foreign if vm.state not in WITHOUT_MEMORY)
        left = max(here.memory_bytes - foreign - WINDOWS_NEEDS_BYTES, 0)
        if wanted > left:
            found = f"{left / GB:.1f} GB of memory are there for machines"
            fix = "stop other VMs there, or give machines less memory_mb or another host" + other_labs(here)
            yield Finding(name, found, f"they need {wanted / GB:.1f} GB to start", fix)
            continue
        free = (here.free_memory_bytes or 0) + sum(vm.assigned_bytes for vm in here.machines.values())
        if here.free_memory_bytes is not None and wanted > free:
            found = f"{free / GB:.1f} GB of memory are free for machines now"
            fix = "close programs there, a browser first, before machines start; or give machines less memory_mb"
            yield Finding(name, found, f"they need {wanted / GB:.1f} GB to start", fix, is_warning=True)


def disk_space_suffices(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Disks are dynamic: what they soon grow to must fit, not their full size."""
    for name, here in facts.items():
        wanted = sum(_growth(spec, here) for spec in specs(lab) if spec.host == name)
        fix = "free some space there, or name a folder on another drive in lab.vm_path"
        if here.free_bytes is None:
            fix = "name a folder on a drive that is there in lab.vm_path"
            yield Finding(name, f"there is no drive for {lab.vm_path}", "disks are kept there", fix)
        elif here.free_bytes < wanted:
            why = f"machines not made yet soon need {wanted / GB:.1f} GB"
            yield Finding(name, f"{here.free_bytes / GB:.1f} GB are free for {lab.vm_path}", why, fix)


def folder_takes_disks(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Hyper-V makes no disk on a drive of cameras and sticks, nor one that Windows would compress or encrypt."""
    for name, here in facts.items():
        file_system = here.readiness.file_system
        if file_system and file_system not in FILE_SYSTEMS:
            fix = "name a folder on a drive with NTFS or ReFS in lab.vm_path"
            found = f"{lab.vm_path} is on a drive with {file_system}"
            yield Finding(name, found, "Hyper-V keeps disks on NTFS or ReFS alone", fix)
        elif here.readiness.is_packed:
            fix = (
                f"as administrator there: compact /u /s:{lab.vm_path} (encrypted: cipher /d /s:{lab.vm_path}), "
                "or name another folder in lab.vm_path"
            )
            found = f"{lab.vm_path} is compressed or encrypted"
            yield Finding(name, found, "a disk that is made there would be, too, and Hyper-V takes none such", fix)


def etcd_has_a_fast_disk(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """etcd answers a change only when it is on the disk; one that takes long loses leases and leaders."""
    here, name = facts.get(lab.control_plane.host), lab.control_plane.name
    if here and here.readiness.media == "HDD":
        why = f"etcd on {name} waits for it with every change, and the cluster with etcd"
        fix = f"name a folder on an SSD in lab.vm_path, or another host for {name}"
        yield Finding(here.host, f"{lab.vm_path} is on a hard disk", why, fix, is_warning=True)


def _growth(spec: MachineSpec, here: HostFacts) -> int:
    """Bytes that the machine's disks still to be made will soon take."""
    there = {disk.kind for disk in here.disks if disk.machine == spec.name}
    kinds = {"system"} | ({"data"} if spec.data_disk_bytes else set())
    return sum(DISK_START_BYTES[kind] for kind in kinds - there)


def medium_is_there(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """The DVD installs the bootstrap server, and from its drive all others unless an install tree is named."""
    here = facts.get(lab.bootstrap.host)
    if here is None or here.has_iso:
        return
    is_made = any(disk.machine == lab.bootstrap.name and disk.kind == "system" for disk in here.disks)
    what = f"there is no file {lab.iso_path}"
    if lab.rocky.tree_url is None:
        yield Finding(here.host, what, "machines are installed from it", f"{HOW_TO_GET_IT}, or set rocky.tree_url")
    elif not is_made:
        yield Finding(here.host, what, "the bootstrap server is installed from it", HOW_TO_GET_IT)


RULES: tuple[Callable[[Lab, Facts], Iterator[Finding]], ...] = (
    powershell_is_new_enough,
    architecture_is_x86_64,
    hypervisor_runs,
    switch_is_suitable,
    template_is_there,
    names_are_free,
    macs_are_free,
    memory_suffices,
    disk_space_suffices,
    folder_takes_disks,
    etcd_has_a_fast_disk,
    medium_is_there,
    processor_suffices,
    clock_is_right,
    stays_awake,
    network_is_private,
    winrm_is_for_the_lan,
    addresses_are_free,
    vlans_are_free,
    lan_is_the_described_one,
    range_behind_nat_is_its_own,
    nat_is_free,
    uplink_passes_tags,
)
