"""Pod address ranges: each node gets one of --cluster-cidr.

Stands in for pkg/controller/nodeipam (range allocation, IPv4).
"""

from __future__ import annotations

import ipaddress

from ..objects import Obj, dig, name_of
from ..paths import CORE
from .cluster import Cluster, unless_gone


class NodeRanges:
    """Writes spec.podCIDR of nodes that have none."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._given: dict[str, str] = {}
        flags = cluster.flags
        self._enabled = flags.truth("allocate-node-cidrs") and bool(flags.text("cluster-cidr"))
        queue = cluster.queue("node-ranges", self._reconcile)
        self._nodes = cluster.on_change("nodes", queue, lambda one: [] if _range(one) else [name_of(one)])

    def _reconcile(self, name: str) -> None:
        node = self._nodes.get("", name)
        if not self._enabled or node is None or _range(node):
            return
        known = {name_of(one): _range(one) for one in self._nodes.all()}
        self._given = {key: value for key, value in self._given.items() if key in known}
        free = self._free({*filter(None, known.values()), *self._given.values()})
        if free is None:
            message = f"Node {name} status is now: CIDRNotAvailable"
            self._cluster.events.record(node, "CIDRNotAvailable", message, "Warning")
            return
        self._given[name] = free
        change = {"spec": {"podCIDR": free, "podCIDRs": [free]}}
        unless_gone(lambda: self._cluster.client.patch(f"{CORE}/nodes/{name}", change))

    def _free(self, taken: set[str]) -> str | None:
        flags = self._cluster.flags
        network = ipaddress.ip_network(flags.text("cluster-cidr").split(",")[0])
        parts = network.subnets(new_prefix=flags.number("node-cidr-mask-size"))
        return next((str(part) for part in parts if str(part) not in taken), None)


def _range(node: Obj) -> str:
    return str(dig(node, "spec.podCIDR", ""))
