"""DaemonSet: one pod on every node that fits. Stands in for pkg/controller/daemon; maxSurge is left out."""

from __future__ import annotations

import copy
import math
from typing import Any

from ..objects import Obj, controller_of, dig, is_deleting, labels_of, name_of, namespace_of
from ..paths import APPS, path_of
from ..placement import node_fits, untolerated
from . import pods
from .cluster import Cluster, own_key, unless_gone
from .queue import key_of, split_key

HASH = "controller-revision-hash"
# What a pod of a DaemonSet tolerates by itself; the last one only on the host's network.
TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ("node.kubernetes.io/network-unavailable", "NoSchedule"),
)


class DaemonSets:
    """Keeps one pod of each DaemonSet on each node that it is for."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("daemonsets", self._reconcile)
        self._sets = cluster.on_change("daemonsets", self._queue)
        cluster.on_change("pods", self._queue, _owner_key)
        self._nodes = cluster.informer("nodes")
        self._nodes.listen(self._node_changed)

    def _node_changed(self, before: Obj | None, after: Obj | None) -> None:
        """Heartbeats change nothing here; labels, taints and the node's coming and going do."""
        if before and after and _placing(before) == _placing(after):
            return
        for one in self._sets.all():
            self._queue.add(own_key(one))

    def _reconcile(self, key: str) -> None:
        namespace, name = split_key(key)
        client = self._cluster.client
        daemon_set = client.find(f"{APPS}/namespaces/{namespace}/daemonsets/{name}")
        if daemon_set is None or is_deleting(daemon_set):
            return
        template = pod_template(daemon_set)
        digest = pods.template_hash(daemon_set["spec"]["template"])
        nodes = self._nodes.all()
        meant = {
            name_of(one) for one in nodes if node_fits(template["spec"], one) and not untolerated(template["spec"], one)
        }
        staying = {name_of(one) for one in nodes if not untolerated(template["spec"], one, ("NoExecute",))}
        found: dict[str, list[Obj]] = {}
        for pod in pods.owned(client, daemon_set):
            found.setdefault(node_of(pod), []).append(pod)
        self._place(daemon_set, template, digest, meant, found)
        self._remove(daemon_set, meant & staying, found)
        self._replace(daemon_set, digest, meant, found)
        self._report(daemon_set, digest, meant, found)

    def _place(self, daemon_set: Obj, template: Obj, digest: str, meant: set[str], found: dict[str, list[Obj]]) -> None:
        for node in sorted(meant - found.keys()):
            pinned = copy.deepcopy(template)
            pinned.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
            _pin(pinned["spec"], node)
            pods.create(self._cluster.client, self._cluster.events, daemon_set, pinned)

    def _remove(self, daemon_set: Obj, meant: set[str], found: dict[str, list[Obj]]) -> None:
        """Delete pods where they should not be, second ones, and those that ended."""
        for node, held in found.items():
            alive = sorted((one for one in held if not is_deleting(one)), key=lambda one: not pods.is_ready(one))
            surplus = alive if node not in meant else alive[1:]
            ended = [one for one in alive if pods.is_finished(one)]
            for pod in {name_of(one): one for one in (*surplus, *ended)}.values():
                pods.delete(self._cluster.client, self._cluster.events, daemon_set, pod)

    def _replace(self, daemon_set: Obj, digest: str, meant: set[str], found: dict[str, list[Obj]]) -> None:
        """Delete pods of an old template, as many at a time as maxUnavailable lets be missing."""
        strategy = daemon_set["spec"].get("updateStrategy") or {}
        if strategy.get("type") != "RollingUpdate":
            return
        allowed = _share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(meant))
        held = [pod for node in sorted(meant) for pod in found.get(node, []) if not is_deleting(pod)]
        missing = len(meant) - sum(1 for pod in held if pods.is_ready(pod))
        old = [pod for pod in held if labels_of(pod).get(HASH) != digest]
        for pod in sorted(old, key=pods.is_ready):
            if pods.is_ready(pod):
                if missing >= allowed:
                    return
                missing += 1
            pods.delete(self._cluster.client, self._cluster.events, daemon_set, pod)

    def _report(self, daemon_set: Obj, digest: str, meant: set[str], found: dict[str, list[Obj]]) -> None:
        held = {node: [pod for pod in found.get(node, []) if not is_deleting(pod)] for node in meant}
        ready = sum(1 for one in held.values() if any(pods.is_ready(pod) for pod in one))
        updated = sum(1 for one in held.values() if any(labels_of(pod).get(HASH) == digest for pod in one))
        status = {
            "currentNumberScheduled": sum(1 for one in held.values() if one),
            "desiredNumberScheduled": len(meant),
            "numberMisscheduled": len([node for node in found if node not in meant]),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(meant) - ready,
            "updatedNumberScheduled": updated,
            "observedGeneration": dig(daemon_set, "metadata.generation", 0),
        }
        if status != daemon_set.get("status"):
            unless_gone(lambda: self._cluster.client.patch(path_of(daemon_set, "status"), {"status": status}))


def pod_template(daemon_set: Obj) -> Obj:
    """The template with what every pod of a DaemonSet tolerates."""
    template: Obj = copy.deepcopy(daemon_set["spec"]["template"])
    spec = template["spec"]
    kept = TOLERATED if spec.get("hostNetwork") else TOLERATED[:-1]
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in kept]
    spec["tolerations"] = [*(spec.get("tolerations") or []), *added]
    return template


def _pin(spec: Obj, node: str) -> None:
    """Let the scheduler choose among this one node."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"nodeSelectorTerms": [term]}
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    affinity["requiredDuringSchedulingIgnoredDuringExecution"] = required


def node_of(pod: Obj) -> str:
    """Where a pod of a DaemonSet is, or is meant to be."""
    if dig(pod, "spec.nodeName"):
        return str(pod["spec"]["nodeName"])
    path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    terms = dig(pod, path, [])
    return next((one["values"][0] for term in terms for one in term.get("matchFields") or []), "")


def _placing(node: Obj) -> Any:
    taints = [(one.get("key"), one.get("effect")) for one in dig(node, "spec.taints", [])]
    return labels_of(node), taints


def _share(value: Any, total: int) -> int:
    if isinstance(value, str):
        return max(1, math.ceil(int(value.rstrip("%")) * total / 100))
    return int(value)


def _owner_key(pod: Obj) -> list[str]:
    owner = controller_of(pod)
    return [key_of(namespace_of(pod), owner["name"])] if owner and owner["kind"] == "DaemonSet" else []
