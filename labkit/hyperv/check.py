"""Can the lab be built on these hosts? One small rule a failure mode; all rules on all hosts, told together.

Rules read facts and never text that Windows translates. A rule yields a Finding for each thing that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.errors import LabError, RefusedError
from labkit.hyperv.facts import HostFacts, PhysicalFacts, SwitchFacts
from labkit.hyperv.hosts import together
from labkit.hyperv.specs import GB, SECURE_BOOT_TEMPLATE, MachineSpec, specs

if TYPE_CHECKING:
    from labkit.lab import Host, Lab
    from labkit.session import Session

ETHERNET = 6  # IANA ifType; Wi-Fi is 71, and cannot carry several MAC addresses
WINDOWS_NEEDS_BYTES = 2 * GB
DISK_START_BYTES = {"system": 8 * GB, "data": 1 * GB}  # what a fresh dynamic disk grows to within a build


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a host: what was found, why it matters, how to put it right."""

    host: str
    found: str
    why: str
    fix: str

    def __str__(self) -> str:
        return f"host {self.host}: {self.found}: {self.why}"


Facts = Mapping[str, HostFacts]


def check(session: Session) -> Facts:
    """Read all hosts once and apply every rule; return the facts.

    Raises RefusedError with all findings, or together with them the errors of hosts that could not be read.
    """
    facts, errors = session.hosts.survey()
    findings = problems(session.lab, facts)
    if findings:
        fixes = dict.fromkeys(finding.fix for finding in findings)
        errors.append(RefusedError("\nerror: ".join(map(str, findings)), "\nhint: ".join(fixes)))
    if errors:
        raise together(errors)
    return facts


def problems(lab: Lab, facts: Facts) -> list[Finding]:
    """Every finding of every rule, for the hosts whose facts are there. Pure."""
    silent = [finding for here in facts.values() for finding in service_answers(here)]
    answering = {name: here for name, here in facts.items() if here.answers}
    return silent + [finding for rule in RULES for finding in rule(lab, answering)]


def service_answers(here: HostFacts) -> Iterator[Finding]:
    """With the service down every VM is "not found": nothing else is asked of such a host."""
    if here.service == "":
        fix = (
            "as administrator there: Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All; restart"
        )
        yield Finding(here.host, "Hyper-V is not installed", "machines run in it", fix)
    elif here.service != "Running":
        yield Finding(here.host, f"the Hyper-V service is {here.service}", "without it nothing can be known or done",
                      "as administrator there: Start-Service vmms")  # fmt: skip
    elif here.refusal:
        yield Finding(here.host, f"Hyper-V does not answer ({here.refusal})", "without that nothing can be known or done",
                      "is the account in Administrators or Hyper-V Administrators, and vmms past its start?")  # fmt: skip


def powershell_is_5_1(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for name, here in facts.items():
        if not here.powershell.startswith("5.1."):
            yield Finding(name, f"PowerShell is {here.powershell}", "the scripts are written for Windows PowerShell 5.1",
                          "install Windows Management Framework 5.1, or use Windows 10/11")  # fmt: skip


def switch_is_there(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for host in lab.hosts:
        here = facts.get(host.name)
        if here is None:
            continue
        named = [switch for switch in here.switches if switch.name == lab.switch]
        if not named:
            yield Finding(host.name, f"there is no virtual switch {lab.switch}", "machines reach each other through it",
                          f"as administrator there: {_new_switch(lab, host, here)}")  # fmt: skip
        elif len(named) > 1:
            yield Finding(host.name, f"{len(named)} virtual switches are named {lab.switch}", "Hyper-V takes names by chance then",
                          "rename all but one in Hyper-V Manager")  # fmt: skip
        else:
            yield from _switch_problems(lab, host, here, named[0])


def _switch_problems(lab: Lab, host: Host, here: HostFacts, switch: SwitchFacts) -> Iterator[Finding]:
    fix = f"set lab.switch to a suitable one, or make one: {_new_switch(lab, host, here)}"
    if switch.type != "External":
        yield Finding(host.name, f"switch {switch.name} is {switch.type}, not External", "it leads to no other PC", fix)
        return
    below = [a for a in here.adapters if a.id in switch.adapter_ids or a.description in switch.adapter_descriptions]
    physical = [adapter for adapter in below if adapter.is_hardware]
    if not physical:
        yield Finding(host.name, f"switch {switch.name} is on no physical adapter", "it leads to no other PC", fix)
    for adapter in physical:
        if adapter.type != ETHERNET:
            why = "only a wired adapter carries the addresses of several machines"
            yield Finding(host.name, f"switch {switch.name} is on {adapter.name}, which is not Ethernet", why, fix)
        elif not adapter.is_up:
            yield Finding(host.name, f"{adapter.name}, below switch {switch.name}, has no link", "it leads to no other PC",
                          "plug the cable in")  # fmt: skip
        if host.uplink and adapter.name != host.uplink:
            yield Finding(host.name, f"switch {switch.name} is on {adapter.name}, not on {host.uplink}",
                          "the lab's file says hosts.*.uplink", f"correct hosts.{host.name}.uplink, or the switch")  # fmt: skip


def _new_switch(lab: Lab, host: Host, here: HostFacts) -> str:
    """The command that makes the switch, with the adapter that it should be on where that can be told."""
    wired = uplink(host, here)
    name = host.uplink or (wired.name if wired else "<the wired adapter's name>")
    return (
        f"New-VMSwitch -Name '{lab.switch}' -NetAdapterName '{name}' -AllowManagementOS $true (the PC's network pauses)"
    )


def uplink(host: Host, here: HostFacts) -> PhysicalFacts | None:
    """The physical wired adapter behind the host's address, else the only one with a link."""
    wired = [adapter for adapter in here.adapters if adapter.is_hardware and adapter.type == ETHERNET]
    behind = here.addresses.get(host.address)
    for adapter in wired:
        if adapter.index == behind:
            return adapter
    up = [adapter for adapter in wired if adapter.is_up]
    return up[0] if len(up) == 1 else None


def template_is_there(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for name, here in facts.items():
        if SECURE_BOOT_TEMPLATE not in here.templates:
            known = ", ".join(here.templates) or "none"
            yield Finding(name, f"no Secure Boot template {SECURE_BOOT_TEMPLATE} (there: {known})",
                          "Rocky Linux does not start with the others", "update Windows there")  # fmt: skip


def names_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for spec in specs(lab):
        here = facts.get(spec.host)
        for vm in here.foreign if here else ():
            if vm.name.lower() == spec.vm_name.lower():
                yield Finding(spec.host, f"a VM that is not this lab's is named {vm.name}", f"machine {spec.name} needs the name",
                              "rename or remove it in Hyper-V Manager, or choose another lab.id")  # fmt: skip


def macs_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    ours = {adapter.mac: spec.name for spec in specs(lab) for adapter in spec.adapters}
    for name, here in facts.items():
        taken = [(f"VM {vm.name}", mac) for vm in here.foreign for mac in vm.macs]
        taken += [(f"adapter {adapter.name}", adapter.mac.upper()) for adapter in here.adapters]
        for who, mac in taken:
            if mac in ours:
                yield Finding(name, f"{who} has the MAC address {mac}", f"it is machine {ours[mac]}'s in this lab",
                              "change it there, or choose another lab.id")  # fmt: skip


def memory_suffices(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for name, here in facts.items():
        wanted = sum(spec.memory_bytes for spec in specs(lab) if spec.host == name)
        foreign = sum(vm.memory_bytes for vm in here.foreign if vm.state == "Running")
        left = here.memory_bytes - foreign - WINDOWS_NEEDS_BYTES
        if wanted > left:
            yield Finding(name, f"machines need {wanted / GB:.1f} GB of memory; {max(left, 0) / GB:.1f} GB are there for them",
                          "their memory is static: they would not start",
                          "stop other VMs there, or give machines less memory_mb or another host")  # fmt: skip


def disk_space_suffices(lab: Lab, facts: Facts) -> Iterator[Finding]:
    for name, here in facts.items():
        wanted = sum(_growth(spec, here) for spec in specs(lab) if spec.host == name)
        if here.free_bytes is None:
            yield Finding(name, f"there is no drive for {lab.vm_path}", "disks are kept there",
                          "name a folder on a drive of that PC in lab.vm_path")  # fmt: skip
        elif here.free_bytes < wanted:
            yield Finding(name, f"{here.free_bytes / GB:.1f} GB are free for {lab.vm_path}",
                          f"machines not made yet need {wanted / GB:.1f} GB soon",
                          "free some space there, or name another drive in lab.vm_path")  # fmt: skip


def _growth(spec: MachineSpec, here: HostFacts) -> int:
    """Bytes that the machine's disks still to be made will soon take."""
    there = {disk.kind for disk in here.disks if disk.machine == spec.name}
    kinds = {"system"} | ({"data"} if spec.data_disk_bytes else set())
    return sum(DISK_START_BYTES[kind] for kind in kinds - there)


def medium_is_there(lab: Lab, facts: Facts) -> Iterator[Finding]:
    here = facts.get(lab.bootstrap.host)
    if here and not here.has_iso and lab.rocky.tree_url is None:
        yield Finding(here.host, f"there is no file {lab.iso_path}", "machines are installed from it",
                      "put the Rocky Linux DVD there, correct lab.iso_path, or set rocky.tree_url")  # fmt: skip


RULES: tuple[Callable[[Lab, Facts], Iterator[Finding]], ...] = (
    powershell_is_5_1,
    switch_is_there,
    template_is_there,
    names_are_free,
    macs_are_free,
    memory_suffices,
    disk_space_suffices,
    medium_is_there,
)


def answering(facts: Facts) -> Facts:
    """The facts, when every host's Hyper-V service answers; raises RefusedError otherwise."""
    silent = [finding for here in facts.values() for finding in service_answers(here)]
    if silent:
        errors: list[LabError] = [RefusedError(str(finding), finding.fix) for finding in silent]
        raise together(errors)
    return facts
