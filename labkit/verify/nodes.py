"""Every machine that the description calls a node is one, is Ready, and is what it should be; and nothing else is."""

from __future__ import annotations

from labkit.description.lab import Machine
from labkit.k8s.facts import NodeFacts, nodes
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if


def check(cluster: Cluster) -> list[Row]:
    """One row a node, and one about nodes that nobody described."""
    begin = cluster.clock.now()
    found = {node.name: node for node in nodes(cluster.read("nodes"))}
    seconds = cluster.clock.now() - begin
    lab = cluster.session.lab
    lacks = cluster.lacks_network
    version = lab.kubernetes.version
    rows = [_row(machine, version, found.get(machine.name), seconds, lacks) for machine in lab.nodes]
    strangers = sorted(set(found) - {machine.name for machine in lab.nodes})
    seen = ", ".join(strangers) if strangers else f"{len(found)} nodes, all described"
    return [*rows, Row("no other node", passed_if(not strangers), seen, seconds)]


def _row(machine: Machine, version: str, node: NodeFacts | None, seconds: float, lacks_network: str | None) -> Row:
    name = f"node {machine.name}"
    if node is None:
        return Row(name, "failed", "not in the cluster", seconds)
    not_ready = None if lacks_network else _not_ready(node)
    found = (not_ready, _wrong_roles(machine, node), _wrong_address(machine, node), _wrong_version(version, node))
    wrong = list(filter(None, found))
    if lacks_network and not wrong:
        return Row(name, "not proven here", lacks_network, seconds)
    right = f"Ready, {', '.join(node.roles)}, {node.internal_address}, {node.kubelet}"
    return Row(name, passed_if(not wrong), "; ".join(wrong) or right, seconds)


def _not_ready(node: NodeFacts) -> str | None:
    if not node.ready:
        return "says nothing of being Ready"
    return None if node.is_ready else f"Ready is {node.ready}: {node.reason or 'no reason given'}"


def _wrong_roles(machine: Machine, node: NodeFacts) -> str | None:
    expected = {role.replace("_", "-") for role in machine.roles if role in ("control_plane", "worker")}
    if set(node.roles) == expected:
        return None
    return f"role {', '.join(node.roles) or 'missing'}, not {', '.join(sorted(expected))}"


def _wrong_address(machine: Machine, node: NodeFacts) -> str | None:
    address, expected = node.internal_address or "missing", str(machine.internal.address)
    return None if address == expected else f"InternalIP {address}, not {expected}"


def _wrong_version(version: str, node: NodeFacts) -> str | None:
    kubelet, expected = node.kubelet or "of an unknown version", f"v{version}"
    return None if kubelet == expected else f"kubelet {kubelet}, not {expected}"
