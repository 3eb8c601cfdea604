"""The rules about the virtual switches: there, once, of their type; External on a wired adapter with a link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from labkit.hyperv.facts import HostFacts, SwitchFacts
from labkit.hyperv.findings import Facts, Finding
from labkit.hyperv.uplink import ETHERNET, unsuitable, uplink

if TYPE_CHECKING:
    from labkit.description.lab import Host, Lab, Switch, SwitchType

WILDCARDS = "*?[]"
NO_WAY_OUT = "it leads to no other PC"
PURPOSE: Mapping[SwitchType, str] = {
    "External": "machines reach each other and the LAN through it",
    "Internal": "machines reach this PC, and through it the LAN, by it",
    "Private": "machines reach each other through it, and nobody else",
}


def switch_is_suitable(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Machines reach each other, and EXTERNAL the room's LAN, through the lab's switches."""
    yield from obstacles(lab, facts)
    for host, switch, here in _wanted(lab, facts):
        if is_missing(switch, here) and not list(_obstacles(switch, host, here)):
            fix = "`inv hyperv.switch` makes it"
            fix += "; it asks first, because the PC's network pauses for seconds" if switch.type == "External" else ""
            yield Finding(host.name, f"there is no virtual switch {switch.name}", PURPOSE[switch.type], fix)


def obstacles(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """What is wrong with the lab's switches beyond their absence, or keeps them from being made."""
    for host, switch, here in _wanted(lab, facts):
        yield from _obstacles(switch, host, here)


def is_missing(switch: Switch, here: HostFacts) -> bool:
    """Whether the host has no switch of that name."""
    return all(one.name != switch.name for one in here.switches)


def _wanted(lab: Lab, facts: Facts) -> Iterator[tuple[Host, Switch, HostFacts]]:
    for host in lab.hosts:
        if host.name in facts:
            for switch in lab.switches:
                yield host, switch, facts[host.name]


def _obstacles(switch: Switch, host: Host, here: HostFacts) -> Iterator[Finding]:
    key = "lab.private_switch" if switch.type == "Private" else "lab.switch"
    named = [one for one in here.switches if one.name == switch.name]
    if set(switch.name) & set(WILDCARDS):
        fix = f"name another one in {key}, without any of {' '.join(WILDCARDS)}"
        yield Finding(host.name, f"{switch.name!r} is no name of one switch", "Hyper-V takes it for a pattern", fix)
    elif not named and switch.type == "External":
        yield from _cannot_be_made(switch, host, here)
    elif len(named) > 1:
        fix = "rename all but one in Hyper-V Manager"
        found = f"{len(named)} switches are named {switch.name}"
        yield Finding(host.name, found, "Hyper-V cannot tell them apart", fix)
    elif named and named[0].type != switch.type:
        fix = f"name another one in {key}, or rename that one in Hyper-V Manager; `inv hyperv.switch` makes a new one"
        found = f"switch {switch.name} is {named[0].type}, not {switch.type}"
        yield Finding(host.name, found, PURPOSE[switch.type], fix)
    elif named and switch.type == "External":
        yield from _below(host, here, named[0])


def _cannot_be_made(switch: Switch, host: Host, here: HostFacts) -> Iterator[Finding]:
    adapter = uplink(host, here)
    holder = next((s.name for s in here.switches if adapter and adapter.id in s.adapter_ids), None)
    if holder and adapter:
        fix = f"set lab.switch: {holder}"
        why = "an adapter carries one switch"
        yield Finding(host.name, f"{adapter.name} carries switch {holder} already, not {switch.name}", why, fix)
    else:
        yield from unsuitable(host, here)


def _below(host: Host, here: HostFacts, switch: SwitchFacts) -> Iterator[Finding]:
    below = [a for a in here.adapters if a.id in switch.adapter_ids or a.description in switch.adapter_descriptions]
    physical = [adapter for adapter in below if adapter.is_hardware]
    fix = "put it on the wired adapter in Hyper-V Manager, or name another switch in lab.switch"
    if not physical:  # what is not plugged in is not listed
        gone = "" if below else ", ".join(switch.adapter_descriptions)
        fix_it = f"plug in {gone}, or {fix}" if gone else fix
        yield Finding(host.name, f"switch {switch.name} is on no physical adapter", NO_WAY_OUT, fix_it)
    for adapter in physical:
        where = f"switch {switch.name} is on {adapter.name}"
        if adapter.type != ETHERNET:
            yield Finding(host.name, f"{where}, which is not Ethernet", "only a cable carries several machines", fix)
        elif not adapter.is_up:
            yield Finding(host.name, f"{where}, which has no link", NO_WAY_OUT, "plug its cable in")
        if host.uplink and adapter.name != host.uplink:
            fix = f"correct hosts.{host.name}.uplink, or the switch"
            yield Finding(host.name, f"{where}, not on {host.uplink}", "the lab's file names that uplink", fix)
