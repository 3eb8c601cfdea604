"""Rules about how a PC was prepared. Without most of it nobody answers at all, and the way there says so instead:
`labkit.transport.winrm` (no listener, a closed port, a refused account) and `labkit.hyperv.findings` (Hyper-V itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from labkit.hyperv.findings import Facts, Finding
from labkit.hyperv.uplink import adapter_index

if TYPE_CHECKING:
    from labkit.description.lab import Lab

EVERYBODY = {"Any", "Internet", "0.0.0.0/0", "0.0.0.0/0.0.0.0", "0.0.0.0-255.255.255.255"}


def stays_awake(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Windows counts no VM as work: a PC that nobody touches goes to sleep in mid-installation."""
    for name, here in facts.items():
        idle_s = here.readiness.sleep_s
        if idle_s:
            fix = "as administrator there: powercfg /change standby-timeout-ac 0 (Enable-LabHost.ps1 does it)"
            found = f"it sleeps after {idle_s // 60} idle minutes, also while plugged in"
            yield Finding(name, found, "its machines would sleep with it", fix)


def network_is_private(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """On a public network Windows' own rules for WinRM do not hold, and a new switch may make it one.

    The lab's rule holds there too, and nobody can change what a policy sets or Windows cannot identify.
    """
    for host in lab.hosts:
        if host.name not in facts:
            continue
        here = facts[host.name]
        index = adapter_index(host, here)
        if (index, "Public") in here.readiness.profiles:
            fix = (
                f"as administrator there: Set-NetConnectionProfile -InterfaceIndex {index} -NetworkCategory Private "
                "(Enable-LabHost.ps1 does it); where Windows refuses that, leave it: the rule of Enable-LabHost.ps1 "
                "holds on public networks too"
            )
            found = f"Windows takes the network of {host.address} for a public one"
            why = "what has no rule for public networks is closed to other PCs there"
            yield Finding(host.name, found, why, fix, is_warning=True)


def winrm_is_for_the_lan(lab: Lab, facts: Facts) -> Iterator[Finding]:
    """Whoever reaches that port may try passwords: wherever a PC is carried to, it is for its own subnet alone."""
    for name, here in facts.items():
        for rule in here.readiness.rules:
            if rule.opens and rule.is_public and EVERYBODY & set(rule.remote):
                found = f"the firewall rule {rule.name} opens WinRM to everybody, on public networks too"
                fix = f"as administrator there: Set-NetFirewallRule -Name '{rule.name}' -RemoteAddress LocalSubnet"
                yield Finding(name, found, "only the local subnet needs it", fix)
