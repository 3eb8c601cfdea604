"""Pod garbage collector: pods of nodes that are no longer there, and unscheduled ones that were deleted.

Stands in for pkg/controller/podgc.
"""

from __future__ import annotations

from ..objects import Obj, dig, name_of
from ..paths import CORE, path_of
from .cluster import Cluster, unless_gone

QUARANTINE_S = 40.0


class PodCollector:
    """Forgets pods when their node has been gone for 40 s: its kubelet can no longer do it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("podgc", self._reconcile)
        self._nodes = cluster.informer("nodes")
        self._nodes.listen(self._node_changed)
        self._pods = cluster.informer("pods")
        self._pods.listen(self._pod_changed)

    def _node_changed(self, before: Obj | None, after: Obj | None) -> None:
        if before and after is None:
            self._queue.add(name_of(before), QUARANTINE_S)

    def _pod_changed(self, before: Obj | None, after: Obj | None) -> None:
        """A pod that shows up on a node that nobody knows, as after a restart of this process."""
        node = dig(after, "spec.nodeName")
        if before is None and node and self._nodes.synced.is_set() and self._nodes.get("", node) is None:
            self._queue.add(node, QUARANTINE_S)

    def _reconcile(self, node: str) -> None:
        client = self._cluster.client
        if client.find(f"{CORE}/nodes/{node}") is not None:
            return
        for pod in self._pods.all():
            if dig(pod, "spec.nodeName") == node:
                unless_gone(lambda one=pod: client.delete(path_of(one), {"gracePeriodSeconds": 0}))  # type: ignore[misc]
