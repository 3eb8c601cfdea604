"""The whole lab at a glance: what each host, each machine and the cluster say right now. Reads only, in seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from labkit.description.lab import Machine
from labkit.errors import LabError
from labkit.k8s import kubectl, stages
from labkit.k8s.facts import nodes
from labkit.session import Session

COLOURS = {"Running": "green", "answers": "green", "Ready": "green", "": "default", "-": "default"}


@dataclass(frozen=True)
class Row:
    """One machine: its VM's state on the host, whether SSH answers, what the cluster says of the node."""

    machine: Machine
    vm: str
    ssh: str
    node: str


def show(session: Session) -> None:
    """Print a row for each machine, and beneath it what could not be asked."""
    found, errors = rows(session)
    table = Table(title=f"{session.lab.name} ({session.lab.source.name})", title_justify="left")
    for heading in ("machine", "host", "roles", "address", "VM", "SSH", "node"):
        table.add_column(heading)
    for row in found:
        machine = row.machine
        states = (Text(state, COLOURS.get(state, "yellow")) for state in (row.vm, row.ssh, row.node))
        roles = ", ".join(machine.roles)
        table.add_row(machine.name, machine.host, roles, str(machine.external.address), *states)
    session.output.print(table)
    for error in errors:
        session.console.print(error, markup=False)


def rows(session: Session) -> tuple[list[Row], list[str]]:
    """Every machine's state, and in words what did not answer."""
    facts, host_errors = session.hosts.survey()
    vms = {name: vm.state for here in facts.values() for name, vm in here.machines.items()}
    silent = {host.name for host in session.lab.hosts if host.name not in facts}
    answering = _answering(
        session, [m for m in session.lab.machines if vms.get(m.name) == "Running" or m.host in silent]
    )
    states, node_errors = _nodes(session, answering)
    found = [
        Row(
            machine,
            "host does not answer" if machine.host in silent else vms.get(machine.name, "none"),
            "answers" if machine.name in answering else "-",
            states.get(machine.name, "-"),
        )
        for machine in session.lab.machines
    ]
    return found, [error.problem for error in host_errors] + node_errors


def _answering(session: Session, machines: list[Machine]) -> set[str]:
    """Names of the machines that SSH reaches; all others are asked through the bootstrap server, so it comes first."""
    bootstrap = session.lab.bootstrap
    if not session.state.private_key.exists() or not session.machines.is_up(bootstrap):
        return set()
    with ThreadPoolExecutor(8) as pool:
        others = [machine for machine in machines if machine is not bootstrap]
        up = pool.map(session.machines.is_up, others)
        return {bootstrap.name, *(machine.name for machine, is_up in zip(others, up, strict=True) if is_up)}


def _nodes(session: Session, answering: set[str]) -> tuple[Mapping[str, str], list[str]]:
    """Ready, NotReady or Unknown by node's name, when the control plane can be asked."""
    if session.lab.control_plane.name not in answering:
        return {}, []
    try:
        lacks = stages.missing(session, "k8s.control-plane")
        if lacks:
            return {}, [f"no cluster yet: {lacks}"]
        found = nodes(json.loads(kubectl.run(session, "get", "nodes", "--output=json")))
    except LabError as error:
        return {}, [error.problem]
    words = {"True": "Ready", "False": "NotReady"}
    return {node.name: words.get(node.ready, "Unknown") for node in found}, []
