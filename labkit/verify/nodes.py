"""Every machine that the description calls a node is one, is Ready, and is what it should be; and nothing else is."""

from __future__ import annotations

from typing import Any

from labkit.description.lab import Machine
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

ROLE_LABEL = "node-role.kubernetes.io/"


def check(cluster: Cluster) -> list[Row]:
    """One row a node, and one about nodes that nobody described."""
    begin = cluster.clock.now()
    found = {item["metadata"]["name"]: item for item in cluster.read("nodes")["items"]}
    seconds = cluster.clock.now() - begin
    lab = cluster.session.lab
    rows = [_row(machine, found.get(machine.name), seconds) for machine in lab.nodes]
    strangers = sorted(set(found) - {machine.name for machine in lab.nodes})
    seen = ", ".join(strangers) if strangers else f"{len(found)} nodes, all described"
    return [*rows, Row("no other node", passed_if(not strangers), seen, seconds)]


def _row(machine: Machine, node: dict[str, Any] | None, seconds: float) -> Row:
    name = f"node {machine.name}"
    if node is None:
        return Row(name, "failed", "not in the cluster", seconds)
    wrong = list(filter(None, (_not_ready(node), _wrong_roles(machine, node), _wrong_address(machine, node))))
    right = f"Ready, {', '.join(_roles(node))}, {_address(node)}"
    return Row(name, passed_if(not wrong), "; ".join(wrong) or right, seconds)


def _not_ready(node: dict[str, Any]) -> str | None:
    ready = next((c for c in node["status"].get("conditions", []) if c["type"] == "Ready"), None)
    if ready is None:
        return "says nothing of being Ready"
    if ready["status"] == "True":
        return None
    return f"Ready is {ready['status']}: {ready.get('message') or ready.get('reason', 'no reason given')}"


def _wrong_roles(machine: Machine, node: dict[str, Any]) -> str | None:
    expected = {role.replace("_", "-") for role in machine.roles if role in ("control_plane", "worker")}
    labelled = set(_roles(node))
    if labelled == expected:
        return None
    return f"role {', '.join(sorted(labelled)) or 'missing'}, not {', '.join(sorted(expected))}"


def _wrong_address(machine: Machine, node: dict[str, Any]) -> str | None:
    address, expected = _address(node), str(machine.internal.address)
    return None if address == expected else f"InternalIP {address}, not {expected}"


def _roles(node: dict[str, Any]) -> list[str]:
    labels = node["metadata"].get("labels", {})
    return sorted(label.removeprefix(ROLE_LABEL) for label in labels if label.startswith(ROLE_LABEL))


def _address(node: dict[str, Any]) -> str:
    addresses = node["status"].get("addresses", [])
    return next((str(entry["address"]) for entry in addresses if entry["type"] == "InternalIP"), "missing")
