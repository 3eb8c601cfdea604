"""Node lifecycle: a node whose kubelet stops sending heartbeats is no longer Ready, and is tainted.

Stands in for pkg/controller/nodelifecycle. Heartbeats are timed by this process's own clock, from the moment at which
it sees the Lease change, so that the machines' clocks do not matter.
"""

from __future__ import annotations

import time

from ..objects import Obj, condition, dig, name_of, set_condition, timestamp
from ..paths import CORE, path_of
from .cluster import Cluster, unless_gone

WATCHED = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
PREFIX = "node.kubernetes.io/"
PRESSURES = {
    "MemoryPressure": "memory-pressure",
    "DiskPressure": "disk-pressure",
    "PIDPressure": "pid-pressure",
    "NetworkUnavailable": "network-unavailable",
}
MANAGED = {PREFIX + name for name in (*PRESSURES.values(), "not-ready", "unreachable", "unschedulable")}
SLACK_S = 0.05


class NodeLifecycle:
    """Watches Leases and Nodes; sleeps until the next moment at which a grace period may end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._grace_s = cluster.flags.seconds("node-monitor-grace-period")
        self._heard: dict[str, tuple[object, float]] = {}
        self._queue = cluster.queue("nodelifecycle", self._reconcile)
        self._nodes = cluster.on_change("nodes", self._queue, lambda one: [name_of(one)])
        self._leases = cluster.on_change("leases", self._queue, _node_of_lease)
        self._pods = cluster.informer("pods")

    def _reconcile(self, name: str) -> None:
        node = self._nodes.get("", name)
        if node is None:
            self._heard.pop(name, None)
            return
        silent_s = self._silent_for(name, node)
        if silent_s < self._grace_s:
            self._queue.add(name, self._grace_s - silent_s + SLACK_S)
        elif (condition(node, "Ready") or {}).get("status") != "Unknown":
            self._lose(node)
            return
        self._taint(node)

    def _silent_for(self, name: str, node: Obj) -> float:
        """Seconds since the Lease, or the kubelet's own Ready condition, was last seen to change."""
        lease = self._leases.get("kube-node-lease", name)
        renewed, told = dig(lease, "spec.renewTime"), (condition(node, "Ready") or {}).get("lastHeartbeatTime")
        now = time.monotonic()
        if name not in self._heard or self._heard[name][0] != (renewed, told):
            self._heard[name] = ((renewed, told), now)
        return now - self._heard[name][1]

    def _lose(self, node: Obj) -> None:
        conditions = dig(node, "status.conditions", [])
        for kind in WATCHED:
            known = condition(node, kind)
            lost = {
                "type": kind,
                "status": "Unknown",
                "lastHeartbeatTime": (known or {}).get("lastHeartbeatTime"),
                "reason": "NodeStatusUnknown" if known else "NodeStatusNeverUpdated",
                "message": "Kubelet stopped posting node status." if known else "Kubelet never posted node status.",
            }
            conditions = set_condition(conditions, lost)
        self._change(path_of(node, "status"), {"status": {"conditions": conditions}})
        message = f"Node {name_of(node)} status is now: NodeNotReady"
        self._cluster.events.record(node, "NodeNotReady", message)
        self._pods_not_ready(name_of(node))

    def _pods_not_ready(self, node: str) -> None:
        """Take the pods of a lost node out of their Services."""
        for pod in self._pods.all():
            ready = condition(pod, "Ready")
            if dig(pod, "spec.nodeName") == node and ready and ready["status"] == "True":
                lost = {**ready, "status": "False", "lastTransitionTime": timestamp()}
                self._change(path_of(pod, "status"), {"status": {"conditions": [lost]}}, "strategic")

    def _change(self, path: str, change: Obj, kind: str = "merge") -> None:
        unless_gone(lambda: self._cluster.client.patch(path, change, kind))

    def _taint(self, node: Obj) -> None:
        """Make the taints that belong to the conditions; others stay."""
        held = dig(node, "spec.taints", [])
        kept = [one for one in held if one["key"] not in MANAGED]
        old = {(one["key"], one["effect"]): one for one in held}
        wanted = []
        for key, effect in wanted_taints(node):
            fresh = {"key": key, "effect": effect, **({"timeAdded": timestamp()} if effect == "NoExecute" else {})}
            wanted.append(old.get((key, effect), fresh))
        if {*old} == {(one["key"], one["effect"]) for one in (*kept, *wanted)}:
            return
        version = node["metadata"]["resourceVersion"]
        change = {"metadata": {"resourceVersion": version}, "spec": {"taints": [*kept, *wanted] or None}}
        self._change(f"{CORE}/nodes/{name_of(node)}", change)


def wanted_taints(node: Obj) -> list[tuple[str, str]]:
    """The taints (key, effect) that a node's conditions call for."""
    ready = (condition(node, "Ready") or {}).get("status")
    found = []
    if ready is None:
        found.append((PREFIX + "not-ready", "NoSchedule"))
    elif ready != "True":
        key = PREFIX + ("unreachable" if ready == "Unknown" else "not-ready")
        found += [(key, "NoSchedule"), (key, "NoExecute")]
    for kind, name in PRESSURES.items():
        if (condition(node, kind) or {}).get("status") == "True":
            found.append((PREFIX + name, "NoSchedule"))
    if dig(node, "spec.unschedulable"):
        found.append((PREFIX + "unschedulable", "NoSchedule"))
    return found


def _node_of_lease(lease: Obj) -> list[str]:
    return [name_of(lease)] if lease["metadata"].get("namespace") == "kube-node-lease" else []
