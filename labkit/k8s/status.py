"""What the cluster is, read only."""

from __future__ import annotations

import json

from rich.table import Table

from labkit.errors import LabError, MissingError
from labkit.k8s import kubectl, stages
from labkit.k8s.facts import NodeFacts, nodes
from labkit.line.stages import PLAYBOOKS
from labkit.session import Session


def show_cluster(s: Session) -> None:
    """Print each node as the API server sees it, and which stages are done.

    MissingError when there is no cluster. Where the API server does not answer its LabError follows the stages.
    """
    lacks = stages.missing(s, "k8s.control-plane")
    if lacks:
        raise MissingError(
            f"there is no cluster yet ({lacks})", "run `inv k8s.control-plane`, or `inv k8s.all` for all of it"
        )
    failure = None
    try:
        _show_nodes(s)
    except LabError as error:
        failure = error
    show_stages(s, [name for name in PLAYBOOKS if name.startswith("k8s.")])
    if failure:
        raise failure


def _show_nodes(s: Session) -> None:
    table = Table(
        "node", "ready", "roles", "internal address", "kubelet", title=f"{s.lab.name}: cluster", title_justify="left"
    )
    for node in nodes(json.loads(kubectl.run(s, "get", "nodes", "--output=json"))):
        table.add_row(*_row(node))
    s.output.print(table)


def show_stages(s: Session, names: list[str]) -> None:
    """Print of each of these stages whether it is done, or what it lacks."""
    for name in names:
        try:
            lacks = stages.missing(s, name)
        except LabError as error:
            lacks = error.problem
        s.output.print(f"{name}: {lacks or 'done'}", markup=False)


def _row(node: NodeFacts) -> tuple[str, ...]:
    ready = {"True": "yes", "False": "no"}.get(node.ready, "unknown")
    return node.name, ready, " ".join(node.roles) or "-", node.internal_address or "-", node.kubelet or "-"
