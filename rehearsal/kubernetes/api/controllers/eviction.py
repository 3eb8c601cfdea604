"""Taint eviction: pods leave a node with a NoExecute taint, at once or after the time that they tolerate it.

Stands in for pkg/controller/tainteviction.
"""

from __future__ import annotations

from ..objects import Obj, age_seconds, dig, is_deleting, name_of
from ..paths import path_of
from ..placement import tolerates
from .cluster import Cluster, unless_gone


class TaintEviction:
    """Deletes pods from tainted nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("taint-eviction", self._reconcile)
        self._nodes = cluster.on_change("nodes", self._queue, lambda one: [name_of(one)] if _expelling(one) else [])
        self._pods = cluster.on_change("pods", self._queue, self._on_tainted_node)

    def _on_tainted_node(self, pod: Obj) -> list[str]:
        node = self._nodes.get("", dig(pod, "spec.nodeName", ""))
        return [name_of(node)] if node and _expelling(node) else []

    def _reconcile(self, name: str) -> None:
        node = self._nodes.get("", name)
        taints = _expelling(node) if node else []
        if not taints:
            return
        waits = []
        for pod in self._pods.all():
            if dig(pod, "spec.nodeName") != name or is_deleting(pod):
                continue
            left = time_left(pod, taints)
            if left is None:
                continue
            if left > 0:
                waits.append(left)
                continue
            message = f"Marking for deletion Pod {pod['metadata']['namespace']}/{name_of(pod)}"
            self._cluster.events.record(pod, "TaintManagerEviction", message)
            unless_gone(lambda one=pod: self._cluster.client.delete(path_of(one)))  # type: ignore[misc]
        if waits:
            self._queue.add(name, min(waits))


def _expelling(node: Obj) -> list[Obj]:
    return [one for one in dig(node, "spec.taints", []) if one.get("effect") == "NoExecute"]


def time_left(pod: Obj, taints: list[Obj]) -> float | None:
    """Seconds until the pod must go; 0 or less: now; None: it may stay."""
    tolerations = dig(pod, "spec.tolerations", [])
    found = []
    for taint in taints:
        if not tolerates(tolerations, taint):
            return 0.0
        limits = [
            one["tolerationSeconds"] for one in tolerations if tolerates([one], taint) and "tolerationSeconds" in one
        ]
        if limits:
            found.append(min(limits) - age_seconds(taint["timeAdded"]) if taint.get("timeAdded") else 0.0)
    return min(found) if found else None
