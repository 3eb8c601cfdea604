"""EXTERNAL as the machines have it, against the description: addresses, gateway and name servers are the installer's.

No stage writes them later. So a machine that has others is told, with the commands that give it what is described, and
nothing else is done meanwhile: half of a lab in another room helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.description.lab import Machine
from labkit.errors import RefusedError
from labkit.k8s.ask import ask
from labkit.session import Session

Settings = dict[str, str]
"""By its name in words, a setting as it is written here and there."""


def refuse(s: Session, machines: Iterable[Machine]) -> None:
    """Raise RefusedError naming each of these machines that has another EXTERNAL than is described; nothing is changed.

    One whose settings are not NetworkManager's is left out. UnreachableError when one does not answer.
    """
    asked = tuple(machines)
    said = ask(s, asked, "outside.sh", lambda machine: [machine.external.mac])
    problems, hints = [], []
    for machine in asked:
        found = _parsed(said[machine.name])
        wanted = described(machine)
        different = [key for key in wanted if found and found[key] != wanted[key]]
        if different:
            has = ", ".join(f"the {key} {found[key] or '(none)'}" for key in different)
            says = ", ".join(f"the {key} {wanted[key]}" for key in different)
            problems.append(f"{machine.name} has {has} on EXTERNAL, {s.lab.source.name} says {says}")
            hints.append(_command(machine, found["id"]))
    if problems:
        first = f"`inv os.reinstall --machine {s.lab.bootstrap.name}` and `inv lab.rebuild` make machines anew with it"
        how = f"to keep them, as docs/changes.md tells, type for each; or write in {s.lab.source.name} what they have:"
        raise RefusedError([f"{problem}; nothing was changed" for problem in problems], [first, how, *hints])


def described(machine: Machine) -> Settings:
    """What the machine is to have."""
    network = machine.external.network
    return {
        "address": f"{machine.external.address}/{network.cidr.prefixlen}",
        "gateway": str(network.gateway),
        "name servers": ",".join(map(str, network.nameservers)),
    }


def _parsed(text: str) -> Settings:
    """outside.sh's lines, by the names of `described`, and the connection's id; {} where it said nothing."""
    said = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    if not {"id", "address1"} <= said.keys():
        return {}
    address, _, gateway = said["address1"].partition(",")
    names = ",".join(filter(None, said.get("dns", "").split(";")))
    return {"id": said["id"], "address": address, "gateway": gateway or said.get("gateway", ""), "name servers": names}


def _command(machine: Machine, connection: str) -> str:
    """What gives it the described settings now and at each start, for any shell."""
    wanted = described(machine)
    change = (
        f"sudo nmcli connection modify '{connection}' ipv4.addresses {wanted['address']} ipv4.gateway"
        f" {wanted['gateway']} ipv4.dns {wanted['name servers']} && sudo nmcli connection up '{connection}'"
    )
    return f'inv os.ssh --machine {machine.name} --command "{change}"'
