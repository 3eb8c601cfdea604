"""Rules about a host's processor, hypervisor and clock, and about the LAN that it shares with others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from labkit.hyperv.findings import Facts, Finding, other_labs

if TYPE_CHECKING:
    from labkit.description.lab import Lab

LARGEST_SKEW_S = 120.0
CPU_ID = re.compile(r"(?P<maker>Intel64|EM64T|AMD64) Family (?P<family>\d+) Model (?P<model>\d+)")
INTEL_FAMILY, HASWELL = 6, 60  # the first models with AVX2, BMI and FMA; older ones have lower numbers
NEWER_WITHOUT_V3 = frozenset({62, 74, 76, 77, 90, 92, 93, 95, 117, 122, 134, 138, 150, 156})
"""Models above Haswell's that are Ivy Bridge servers or small cores: Silvermont to Tremont."""
PENTIUMS_WITH_V3 = frozenset({140, 151, 154, 183, 186, 190})
"""Tiger Lake, Alder Lake and later: the Pentiums and Celerons of all models before have no AVX2."""
AMD_ZEN, AMD_BULLDOZER, EXCAVATOR = 23, 21, 96
X64 = 9
ARCHITECTURES = {0: "x86", 5: "ARM", 12: "ARM64"}  # Win32_Processor.Architecture


def hypervisor_runs(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Hyper-V's service answers without its hypervisor, makes disks and VMs, and starts none of them."""
    for name, here in facts.items():
        if not here.has_hypervisor:
            found = "Hyper-V is installed and its hypervisor does not run"
            fix = (
                "as administrator there: switch on virtualisation in the firmware; "
                "`bcdedit /set hypervisorlaunchtype auto`; restart"
            )
            yield Finding(name, found, "no machine starts there", fix)


def architecture_is_x86_64(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Hyper-V runs machines of the PC's own architecture only, and makes them of any name."""
    for name, here in facts.items():
        if here.architecture != X64:
            kind = ARCHITECTURES.get(here.architecture, f"of another kind ({here.architecture})")
            fix = "name a PC with an x86-64 processor (Intel or AMD) in lab.hosts"
            yield Finding(name, f"its processor is {kind}", "an x86-64 Rocky cannot run there", fix)


def processor_suffices(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Rocky 10 is built for x86-64-v3; on an older processor its kernel starts and its first program does not."""
    if lab.rocky.release < 10:
        return
    for name, here in facts.items():
        if has_v3(here.cpu_id, here.cpu) is False:
            why = "Rocky 10 needs x86-64-v3 (AVX2, BMI, FMA)"
            yield Finding(name, f"the processor is {here.cpu or here.cpu_id}", why, "set rocky.release: 9")


def has_v3(cpu_id: str, brand: str) -> bool | None:
    """Whether a processor has x86-64-v3, by Windows' identification of it; None when that cannot be told.

    Sources: Intel's and AMD's family and model numbers as in the Linux kernel's intel-family.h and in AMD's guides.
    A number is no date: Coffee and Comet Lake (158, 165) stand above Tiger Lake, AMD's small family 22 above 21.
    """
    found = CPU_ID.match(cpu_id)
    if not found:
        return None
    family, model = int(found["family"]), int(found["model"])
    if found["maker"] == "AMD64":
        return family >= AMD_ZEN or (family == AMD_BULLDOZER and model >= EXCAVATOR)
    if family != INTEL_FAMILY:
        return family > INTEL_FAMILY and family != 15  # 15 is the Pentium 4
    small = ("Pentium" in brand or "Celeron" in brand) and model not in PENTIUMS_WITH_V3
    return model >= HASWELL and model not in NEWER_WITHOUT_V3 and not small


def clock_is_right(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Machines wake with their host's time; certificates and tokens are not valid in another."""
    for name, here in facts.items():
        if abs(here.skew_s) > LARGEST_SKEW_S:
            found = (
                f"its clock is {abs(here.skew_s):.0f} s {'ahead of' if here.skew_s > 0 else 'behind'} this controller's"
            )
            fix = "set the wrong one right; on Windows, as administrator: Start-Service w32time; w32tm /resync"
            yield Finding(name, found, "machines wake with their host's time, certificates depend on it", fix)


def addresses_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """The lab's EXTERNAL addresses are on a LAN that is not ours: somebody may have one of them."""
    wanted = {str(address): whose for address, whose in lab.external_addresses.items()}
    ours = {interface.mac_digits for machine in lab.machines for interface in machine.interfaces}
    told: set[str] = set()
    for name, here in facts.items():
        own = {(address, here.host) for address in here.addresses}
        taken = [(address, mac) for address, mac in here.readiness.neighbours if mac.strip("0F") and mac not in ours]
        taken += [(address, f"the PC {name} itself") for address, _ in own]
        for address, who in taken:
            if address in wanted and address not in told:
                told.add(address)
                why = f"it is to be {wanted[address]}'s"
                fix = "choose another external.first_address, with a free address for each machine after it"
                if IPv4Address(address) in (lab.address_pool or ()):
                    fix = "choose another external.address_pool, none of whose addresses anybody has"
                fix += other_labs(here)
                yield Finding(name, f"{address} is in use on the LAN ({who})", why, fix)


def vlans_are_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """A VLAN is this lab's own LAN: whoever else is in it gets its DHCP answers, and may give others."""
    ours = {network.vlan: network.name for network in lab.networks if network.vlan}
    for name, here in facts.items():
        names = {vm.id: f"VM {vm.name}" for vm in here.foreign} | {"": "the PC itself"}
        for tag in here.readiness.vlans:
            if tag.vlan in ours and tag.switch == lab.switch_of(ours[tag.vlan]).name and tag.vm in names:
                found = f"{names[tag.vm]} is in VLAN {tag.vlan} (adapter {tag.adapter})"
                is_left = not tag.vm and tag.adapter.startswith(f"{lab.name}-path-")
                fix = f"give that adapter another VLAN, or set networks.{ours[tag.vlan]}.vlan"
                fix = "`inv hyperv.switch` takes it away: a proof that was cut off left it" if is_left else fix
                yield Finding(name, found, f"it is this lab's {ours[tag.vlan].upper()}", fix)


def lan_is_the_described_one(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """EXTERNAL is the room's LAN. A PC may have no address there, where a second cable is for machines alone."""
    if lab.switch_of("external").type != "External":
        return
    for name, here in facts.items():
        own = [one for one in map(IPv4Address, here.addresses) if not one.is_loopback]
        if not any(one in lab.external.cidr for one in own):
            has = f"none of its addresses ({', '.join(map(str, own))}) is in {lab.external.cidr}"
            found = has if own else "it has no IPv4 address"
            fix = "correct external.cidr, gateway and first_address (`ipconfig` there), or plug in that LAN's cable"
            why = "machines get theirs in external.cidr"
            yield Finding(name, found, why, fix, is_warning=True)


def range_behind_nat_is_its_own(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """A PC in a network of the very range that it translates for would look for that network among its machines."""
    if lab.switch_of("external").type != "Internal":
        return
    for name, here in facts.items():
        for address in here.addresses:
            if IPv4Address(address) in lab.external.cidr and address != str(lab.external.gateway):
                why = f"behind its NAT is {lab.external.cidr}, too"
                fix = "choose another external.cidr, with gateway and first_address in it"
                yield Finding(name, f"it has the address {address} in another network", why, fix)


def nat_is_free(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Beside somebody else's NAT network Windows makes none; one that is there already goes on."""
    if lab.switch_of("external").type != "Internal":
        return
    for name, here in facts.items():
        others = [(whose, cidr) for whose, cidr in here.readiness.nats if cidr != str(lab.external.cidr)]
        if len(others) == len(here.readiness.nats):
            for whose, cidr in others:
                found = f"it translates for {whose} ({cidr}) already"
                fix = f"as administrator there: Remove-NetNat -Name '{whose}', if nothing of yours needs it"
                yield Finding(name, found, "Windows carries one NAT network, and EXTERNAL needs it", fix)


def uplink_passes_tags(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """A driver that tags everything itself drops the tags of machines."""
    if not any(network.vlan for network in lab.networks):
        return
    for name, here in facts.items():
        ours = {switch.name for switch in lab.switches}
        below = {guid for switch in here.switches if switch.name in ours for guid in switch.adapter_ids}
        for adapter in here.adapters:
            if adapter.id in below and adapter.vlan:
                found = f"the driver of {adapter.name} puts VLAN {adapter.vlan} on everything"
                fix = (
                    f"as administrator there: Set-NetAdapter -Name '{adapter.name}' -VlanID 0; or vlan: null in the lab"
                )
                yield Finding(name, found, "the lab's own VLANs do not pass", fix)
