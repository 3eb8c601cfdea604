"""ReplicaSet: as many pods as `spec.replicas`. Stands in for pkg/controller/replicaset."""

from __future__ import annotations

from ..objects import Obj, controller_of, dig, is_deleting, namespace_of
from ..paths import APPS, path_of
from . import pods
from .cluster import Cluster, unless_gone
from .queue import key_of, split_key

MOST_AT_ONCE = 50


class ReplicaSets:
    """Creates and deletes pods of ReplicaSets, and reports their number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("replicasets", self._reconcile)
        cluster.on_change("replicasets", self._queue)
        cluster.on_change("pods", self._queue, _owner_key)

    def _reconcile(self, key: str) -> None:
        namespace, name = split_key(key)
        client = self._cluster.client
        replica_set = client.find(f"{APPS}/namespaces/{namespace}/replicasets/{name}")
        if replica_set is None:
            return
        found = [pod for pod in pods.owned(client, replica_set) if not pods.is_finished(pod)]
        active = [pod for pod in found if not is_deleting(pod)]
        if not is_deleting(replica_set):
            self._scale(replica_set, active)
        self._report(replica_set, active, len(found) - len(active))

    def _scale(self, replica_set: Obj, active: list[Obj]) -> None:
        client, events = self._cluster.client, self._cluster.events
        missing = dig(replica_set, "spec.replicas", 1) - len(active)
        for _ in range(min(missing, MOST_AT_ONCE)):
            pods.create(client, events, replica_set, replica_set["spec"]["template"])
        if missing < 0:
            for pod in sorted(active, key=_worth)[:-missing]:
                pods.delete(client, events, replica_set, pod)

    def _report(self, replica_set: Obj, active: list[Obj], ending: int) -> None:
        ready = sum(1 for pod in active if pods.is_ready(pod))
        status = {
            "replicas": len(active),
            "fullyLabeledReplicas": len(active),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "terminatingReplicas": ending,
            "observedGeneration": dig(replica_set, "metadata.generation", 0),
        }
        if status != replica_set.get("status"):
            unless_gone(lambda: self._cluster.client.patch(path_of(replica_set, "status"), {"status": status}))


def _owner_key(pod: Obj) -> list[str]:
    owner = controller_of(pod)
    return [key_of(namespace_of(pod), owner["name"])] if owner and owner["kind"] == "ReplicaSet" else []


def _worth(pod: Obj) -> tuple[bool, bool, bool, float]:
    """Pods that are missed least come first: without a node, not running, not ready, the youngest."""
    created = dig(pod, "metadata.creationTimestamp", "")
    age_rank = -float(created.translate(str.maketrans("", "", "-:TZ")) or 0)
    return bool(dig(pod, "spec.nodeName")), dig(pod, "status.phase") == "Running", pods.is_ready(pod), age_rank
