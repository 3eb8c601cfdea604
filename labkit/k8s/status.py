"""What the cluster is, read only."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from labkit.errors import LabError, MissingError
from labkit.k8s import kubectl, stages
from labkit.line.stages import PLAYBOOKS
from labkit.session import Session

ROLE_LABEL = "node-role.kubernetes.io/"


def show_cluster(s: Session) -> None:
    """Print each node as the API server sees it, and which stages are done. MissingError when there is no cluster."""
    lacks = stages.missing(s, "k8s.control-plane")
    if lacks:
        raise MissingError(
            f"there is no cluster yet ({lacks})", "run `inv k8s.control-plane`, or `inv k8s.all` for all of it"
        )
    table = Table(
        "node", "ready", "roles", "internal address", "kubelet", title=f"{s.lab.name}: cluster", title_justify="left"
    )
    for row in node_rows(json.loads(kubectl.run(s, "get", "nodes", "--output=json"))):
        table.add_row(*row)
    s.output.print(table)
    show_stages(s, [name for name in PLAYBOOKS if name.startswith("k8s.")])


def node_rows(nodes: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table's rows of a NodeList."""
    return [_row(node) for node in nodes["items"]]


def show_stages(s: Session, names: list[str]) -> None:
    """Print of each of these stages whether it is done, or what it lacks."""
    for name in names:
        try:
            lacks = stages.missing(s, name)
        except LabError as error:
            lacks = error.problem
        s.output.print(f"{name}: {lacks or 'done'}", markup=False)


def _row(node: dict[str, Any]) -> tuple[str, ...]:
    metadata, status = node["metadata"], node["status"]
    ready = next((item["status"] for item in status.get("conditions", []) if item["type"] == "Ready"), "Unknown")
    roles = [label.removeprefix(ROLE_LABEL) for label in metadata.get("labels", {}) if label.startswith(ROLE_LABEL)]
    address = next((item["address"] for item in status.get("addresses", []) if item["type"] == "InternalIP"), "-")
    version = status.get("nodeInfo", {}).get("kubeletVersion", "-")
    return (
        metadata["name"],
        {"True": "yes", "False": "no"}.get(ready, "unknown"),
        " ".join(sorted(roles)) or "-",
        address,
        version,
    )
