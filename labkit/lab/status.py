"""The whole lab at a glance: what each host, each machine and the cluster say right now. Reads only, in seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from labkit.description.lab import Machine
from labkit.errors import LabError, together
from labkit.k8s import kubectl, stages
from labkit.k8s.facts import nodes
from labkit.machines import wait
from labkit.machines.progress import obstacle
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts

UNKNOWN, NO_HYPERV = "unknown", "Hyper-V does not answer"
COLOURS = {"Running": "green", "answers": "green", "Ready": "green", "": "default", "-": "default"}


@dataclass(frozen=True)
class Row:
    """One machine: its VM's state on the host, whether SSH answers, what the cluster says of the node."""

    machine: Machine
    vm: str
    ssh: str
    node: str


def show(session: Session) -> None:
    """Print a row for each machine, and beneath it what could not be asked; then raise the errors of silent hosts."""
    facts, errors = session.hosts.survey()
    found, unknown = rows(session, facts)
    table = Table(title=f"{session.lab.name} ({session.lab.source.name})", title_justify="left")
    for heading in ("machine", "host", "roles", "address", "VM", "SSH", "node"):
        table.add_column(heading)
    for row in found:
        machine = row.machine
        states = (Text(state, COLOURS.get(state, "yellow")) for state in (row.vm, row.ssh, row.node))
        roles = ", ".join(machine.roles)
        table.add_row(machine.name, machine.host, roles, str(machine.external.address), *states)
    session.output.print(table)
    for reason in unknown:
        session.console.print(reason, markup=False)
    if errors:
        raise together(errors)


def rows(session: Session, facts: Facts) -> tuple[list[Row], list[str]]:
    """Every machine's state as these hosts, SSH and the cluster tell it, and in words what could not be asked."""
    vms = {machine.name: _vm(facts, machine) for machine in session.lab.machines}
    asked = [machine for machine in session.lab.machines if vms[machine.name] in ("Running", UNKNOWN, NO_HYPERV)]
    reason = obstacle(session, facts)
    answers = {} if reason else _answering(session, asked)
    reason = reason or ("" if answers else f"{session.lab.bootstrap.name} cannot be entered by SSH")
    if session.state.private_key.exists():
        answers.setdefault(session.lab.bootstrap.name, False)
    states, unknown = _nodes(session, answers)
    found = [
        Row(
            machine,
            vms[machine.name],
            _ssh(answers.get(machine.name)) if machine in asked else "-",
            states.get(machine.name, "-"),
        )
        for machine in session.lab.machines
    ]
    return found, [f"SSH and nodes are unknown: {reason}"] if reason else unknown


def _vm(facts: Facts, machine: Machine) -> str:
    """The VM's state in Hyper-V's word; "none" is believed only of a host whose Hyper-V answers.

    Why a host tells nothing (off, a wrong password, another certificate) is its error's matter.
    """
    here = facts.get(machine.host)
    if here is None:
        return UNKNOWN
    if not here.answers:
        return NO_HYPERV
    vm = here.machines.get(machine.name)
    return vm.state if vm else "none"


def _ssh(answers: bool | None) -> str:
    return {True: "answers", False: "silent", None: "unknown"}[answers]


def _answering(session: Session, machines: list[Machine]) -> dict[str, bool]:
    """Which machines SSH enters; all others are asked through the bootstrap server, so it comes first."""
    bootstrap = session.lab.bootstrap
    if not session.machines.is_up(bootstrap):
        return {}
    others = [machine for machine in machines if machine is not bootstrap]
    return {bootstrap.name: True, **wait.answering(session, others)}


def _nodes(session: Session, answers: Mapping[str, bool]) -> tuple[Mapping[str, str], list[str]]:
    """Ready, NotReady or Unknown by node's name; of all nodes unknown, and why, when the cluster cannot be asked."""
    unknown, server = dict.fromkeys((node.name for node in session.lab.nodes), "unknown"), session.lab.control_plane
    if not answers.get(server.name):
        return unknown, [f"nodes are unknown: {server.name} does not answer by SSH"]
    try:
        lacks = stages.missing(session, "k8s.control-plane")
        if lacks:
            return {}, [f"no cluster yet: {lacks}"]
        found = nodes(json.loads(kubectl.run(session, "get", "nodes", "--output=json")))
    except LabError as error:
        return unknown, [error.problem]
    words = {"True": "Ready", "False": "NotReady"}
    return {node.name: words.get(node.ready, "Unknown") for node in found}, []
