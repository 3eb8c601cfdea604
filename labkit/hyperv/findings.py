"""What a rule of `hyperv.check` finds wrong, and whether a host's Hyper-V answers at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from labkit.errors import RefusedError
from labkit.hyperv.facts import HostFacts

PENDING = {
    "EnablePending": "switched on and begins to work with the next restart",
    "DisablePending": "switched off with the next restart",
}
LAB_VM = re.compile(r"(lab-[0-9a-f]{4})-")

Facts = Mapping[str, HostFacts]
"""What the hosts said, by host name."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a host: what was found, why it matters, how to put it right.

    A warning is told and keeps nothing from being done: it may go well all the same.
    """

    host: str
    found: str
    why: str
    fix: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{'warning: ' if self.is_warning else ''}host {self.host}: {self.found}: {self.why}"


def refusal(findings: Iterable[Finding]) -> RefusedError:
    """One error that tells all findings and, once each, how to put them right."""
    told = list(findings)
    return RefusedError(map(str, told), (finding.fix for finding in told))


def service_answers(here: HostFacts) -> Iterator[Finding]:
    """With the service down every VM is "not found": nothing else is asked of such a host."""
    why = "without it nothing can be known or done there"
    if here.service != "Running" and here.feature in ("EnablePending", "DisablePending"):
        yield Finding(here.host, f"Hyper-V is {PENDING[here.feature]}", why, "restart that PC, then repeat")
    elif here.service == "" and here.feature == "":
        fix = "Windows 11 Pro, Enterprise or Education is needed there"
        yield Finding(here.host, "this edition of Windows has no Hyper-V", why, fix)
    elif here.service == "":
        fix = "as administrator there: scripts/powershell/Enable-LabHost.ps1, then restart that PC"
        yield Finding(here.host, "Hyper-V is not installed", why, fix)
    elif here.service != "Running":
        fix = "as administrator there: Start-Service vmms"
        yield Finding(here.host, f"the Hyper-V service (vmms) is {here.service}", why, fix)
    elif here.refusal and here.refusal.endswith("[CommandNotFoundException]"):
        fix = "as administrator there: scripts/powershell/Enable-LabHost.ps1, then restart that PC"
        yield Finding(here.host, "Hyper-V's PowerShell module is not installed", why, fix)
    elif here.refusal and here.readiness.full_rights is False:
        found = f"the account has no full rights over the network ({here.refusal})"
        fix = (
            "as administrator there: scripts/powershell/Enable-LabHost.ps1, which puts it into Administrators and sets "
            "LocalAccountTokenFilterPolicy"
        )
        yield Finding(here.host, found, why, fix)
    elif here.refusal and "[InvalidParameter," in here.refusal:  # Get-VMHost is given none: it is the PC's own name
        found = f"Hyper-V does not find this PC by its own name ({here.refusal})"
        fix = (
            "there: give it a name of 15 characters at most; or, where a VPN or a name server is in the way, add its "
            r"name behind 127.0.0.1 in C:\Windows\System32\drivers\etc\hosts"
        )
        yield Finding(here.host, found, why, fix)
    elif here.refusal:
        fix = "is the account in Administrators or Hyper-V Administrators there, and vmms past its start?"
        yield Finding(here.host, f"Hyper-V does not answer ({here.refusal})", why, fix)


def answering(facts: Facts) -> Facts:
    """The facts, when every host's Hyper-V service answers; raises RefusedError otherwise."""
    silent = [finding for here in facts.values() for finding in service_answers(here)]
    if silent:
        raise refusal(silent)
    return facts


def other_labs(here: HostFacts) -> str:
    """What to add to a fix where other labs are on the host, such as this one under the id that it had before."""
    found = sorted({match[1] for vm in here.foreign if (match := LAB_VM.match(vm.name))})
    return "".join(f"; {lab} is there: with its id in the description, `inv lab.destroy` removes it" for lab in found)
