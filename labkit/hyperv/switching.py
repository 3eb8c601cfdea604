"""Makes the lab's virtual switches, and nothing else: one that is there is left as it is, whoever made it.

An External switch takes the PC's network away for seconds, and may not give it back. So the PC makes it by itself,
somebody beyond the new switch has to have answered, this controller has to have reached the PC again, and only then it
is told to keep the switch; otherwise it takes it away again, at its deadline and not before. `follow` serves who has
one removed, too.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any

from labkit.errors import DeadlineError, LabError, UnreachableError, together
from labkit.hyperv import switch
from labkit.hyperv.findings import Facts, answering, refusal
from labkit.hyperv.uplink import uplink
from labkit.transport import powershell

if TYPE_CHECKING:
    from labkit.description.lab import Host, Lab, Switch
    from labkit.hyperv.hosts import Hosts
    from labkit.session import Session

CONFIRM_WITHIN_S = 180  # then the PC takes the switch away again
ROLL_BACK_WITHIN_S = 90  # where nothing is heard of it
UNDO_WITHIN_S = 690  # where it tells that it is at it: it tries for ten minutes
POLL_S = 1.0
NONE: Mapping[str, Any] = {
    "state": "",
    "runs": False,
    "reached": [],
    "name": "",
    "problem": "the PC knows nothing of it",
    "adapter": "",
    "before": None,
}
ENDED = ("kept", "removed")


@dataclass(frozen=True)
class Making:
    """What a host gets: `switches` in the script's form; `pauses`, its adapter's name, when an External one is new.

    `begun`: an earlier call was cut off, and the PC still waits for its confirmation.
    """

    host: Host
    switches: tuple[Mapping[str, Any], ...]
    pauses: str | None
    begun: bool


def find(session: Session) -> list[Making]:
    """What is to be done on each host, by a fresh look; [] when nothing is.

    Raises RefusedError with every finding that keeps a switch from being made (`inv hyperv.check` has the same).
    """
    facts, errors = session.hosts.survey(fresh=True, probe=True)
    if errors:
        raise together(errors)
    lab = session.lab
    obstacles = list(switch.obstacles(lab, answering(facts)))
    if obstacles:
        raise refusal(obstacles)
    operations = session.hosts.ask("Get-LabSwitch", {host.name: {"Lab": lab.name} for host in lab.hosts})
    makings = [_making(lab, host, facts, operations[host.name]["operation"]) for host in lab.hosts]
    return [making for making in makings if making.switches or making.begun]


def _making(lab: Lab, host: Host, facts: Facts, operation: Mapping[str, Any] | None) -> Making:
    here = facts[host.name]
    waits = operation is not None and operation["runs"] and operation["state"] not in ENDED
    begun = bool(operation and waits and not operation["removes"])
    missing = [one for one in lab.switches if switch.is_missing(one, here)]
    new = [one for one in missing if one.type == "External" and not begun]
    wired = uplink(host, here) if new else None
    wanted = [one for one in lab.switches if one.type == "Internal" or (one in missing and one.type == "Private")] + new
    switches = tuple(_wanted(lab, one, wired.id if wired else "") for one in wanted)
    return Making(host, switches, wired.name if wired else None, begun)


def mark(lab: Lab, name: str) -> str:
    """The Notes of a switch that the lab made: by them, and by nothing else, it is the lab's."""
    return json.dumps({"lab": lab.name, "switch": name}, ensure_ascii=True, separators=(",", ":"))


def _wanted(lab: Lab, one: Switch, adapter_id: str) -> dict[str, Any]:
    """A switch as New-LabSwitch.ps1 takes it; of an Internal one the PC is the gateway, and translates addresses."""
    has_nat = one.type == "Internal"
    return {
        "name": one.name,
        "type": one.type,
        "notes": mark(lab, one.name),
        "adapter_id": adapter_id if one.type == "External" else "",
        "gateway": str(lab.external.gateway) if has_nat else "",
        "prefix": lab.external.cidr.prefixlen if has_nat else 0,
        "cidr": str(lab.external.cidr) if has_nat else "",
    }


def describe(makings: list[Making]) -> list[str]:
    """What to agree to, a line a host whose network pauses."""
    return [
        f"the network of {making.host.name} ({making.host.address}) pauses for some seconds, twice at most: its "
        f"adapter {making.pauses} gets a virtual switch. Address, DNS and gateway stay. Unless this command reaches it "
        f"again and confirms within {CONFIRM_WITHIN_S} s, {making.host.name} takes the switch away again by itself, "
        "and tries that for ten minutes and at each start"
        for making in makings
        if making.pauses
    ]


def make(session: Session, making: Making) -> list[str]:
    """Do it on one host and return the names of the switches that it got; [] when all was there.

    Raises LabError when the PC has taken a switch away again, UnreachableError when it is not known.
    """
    given = {
        "Lab": session.lab.name, "VirtualSwitch": list(making.switches), "Peer": list(peers(session.lab, making.host)),
        "Seconds": CONFIRM_WITHIN_S, "Program": powershell.script_text("Invoke-LabSwitch"),
    }  # fmt: skip
    changed: list[str] = []
    begun: Mapping[str, Any] = NONE
    if making.switches:
        answer = session.hosts.run("New-LabSwitch", {making.host.name: given})[making.host.name]
        changed = [row["name"] for row in answer["switches"] if row["changed"]]
        begun = tell_way_back(session, making.host, answer["switches"]) or NONE
    if making.pauses or making.begun:
        changed.append(follow(session, making.host, begun))
    return list(dict.fromkeys(changed))


def tell_way_back(session: Session, host: Host, rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Say what to do at a PC that does not come back, before its network pauses: afterwards it cannot be asked.

    `rows` are a script's answers; returns the one whose switch is External, and was begun only.
    """
    begun = next((row for row in rows if row["before"]), None)
    if begun:
        text = f"should {host.name} stay without its network, {way_back(begun)}"
        session.console.print(text, markup=False, soft_wrap=True)
    return begun


def way_back(operation: Mapping[str, Any]) -> str:
    """What a person does at that PC, in Windows' own words; `operation` has the switch's name, adapter and before."""
    before = operation["before"] or {}
    ip = "choose Obtain an IP address automatically" if before.get("dhcp") else _by_hand(before)
    return (
        "restart it: it puts its network back by itself. If that does not do, there: press Windows+R, type "
        f"virtmgmt.msc, choose Virtual Switch Manager on the right, {operation['name'] or 'the new one'}, Remove, OK; "
        f"then Windows+R, ncpa.cpl, right-click {operation['adapter'] or 'the adapter'}, Properties, Internet Protocol "
        f"Version 4, Properties, and {ip}"
    )


def _by_hand(before: Mapping[str, Any]) -> str:
    addresses = [IPv4Interface(f"{one['address']}/{one['prefix']}") for one in before.get("addresses", [])]
    known = [
        *(f"IP address {one.ip}, subnet mask {one.netmask}" for one in addresses),
        *(f"default gateway {one}" for one in before.get("gateways", [])),
        *(f"DNS server {one}" for one in before.get("dns", [])),
    ]
    return f"enter {', '.join(known)}" if known else "look at its settings"


def peers(lab: Lab, host: Host) -> Iterator[str]:
    """IPv4 addresses beyond the host's switch: the other hosts', and this controller's unless it is that very PC."""
    for other in lab.hosts:
        if other != host:
            yield socket.gethostbyname(other.address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host.address, host.port))  # sends nothing: it only looks the way up
        own, there = probe.getsockname()[0], probe.getpeername()[0]
    if own != there:
        yield own


def follow(session: Session, host: Host, begun_as: Mapping[str, Any]) -> str:
    """Ask the PC how far it is until it has ended; confirm once its own LAN answers it. Return the switch's name.

    `begun_as` is the row that `tell_way_back` returned, or NONE.
    Raises LabError when a switch was taken away that was to stay, or could not be; UnreachableError when it is not
    known.
    """
    begun = time.monotonic()
    end = begun + CONFIRM_WITHIN_S + ROLL_BACK_WITHIN_S
    about = {host.name: {"Lab": session.lab.name}}
    silence: LabError | None = None
    last = begun_as
    session.hosts.forget()  # the PC changes by itself
    while time.monotonic() < end:
        try:
            operation = _anew(session, host).ask("Get-LabSwitch", about)[host.name]["operation"] or NONE
            last = operation if operation["before"] else last
            if operation["state"] == "made" and operation["reached"]:
                _anew(session, host).run("Confirm-LabSwitch", about)
        except (UnreachableError, DeadlineError) as error:  # its network pauses; what it did meanwhile it tells later
            silence = error
        else:
            if operation["state"] in ENDED:
                return str(operation["name"])
            if operation["state"] == "failed" or not operation["runs"]:
                raise _unmade(host, operation)
            if operation["state"] == "rolling back":
                end = max(end, begun + CONFIRM_WITHIN_S + UNDO_WITHIN_S)
            silence = None
        time.sleep(POLL_S)
    raise _unknown(host, silence, last)


def _unknown(host: Host, silence: LabError | None, last: Mapping[str, Any]) -> UnreachableError:
    why = silence.problem if silence else "it does not come to an end"
    return UnreachableError(
        f"host {host.name} ({host.address}): a virtual switch was begun, and it is not known what became of it: {why}",
        f"wait: {CONFIRM_WITHIN_S} s after it was begun that PC takes it away again by itself, and tries that for ten "
        f"minutes. Still silent? Go there: is its cable in? If so, {way_back(last)}",
    )


def _anew(session: Session, host: Host) -> Hosts:
    """The hosts, to that one over a connection of its own: the last one may hang in a network that is gone."""
    session.hosts.reconnect(host.name)
    return session.hosts


def _unmade(host: Host, operation: Mapping[str, Any]) -> LabError:
    where = f"host {host.name} ({host.address})"
    if operation["state"] == "rolled back":
        return LabError(
            f"{where}: the virtual switch was taken away again, and its network is as it was before: "
            f"{operation['problem']}",
            "is it on the right adapter (hosts.<host>.uplink), and its cable in? Then repeat",
        )
    return LabError(
        f"{where}: the virtual switch does not stay, and not all could be put back: {operation['problem']}",
        f"go to that PC, {way_back(operation)}",
    )
