"""kube-scheduler: takes pods without a node one by one and binds each to the fitting node with the fewest pods."""

from __future__ import annotations

import logging
import time

from .. import health
from ..client import Client
from ..controllers.cluster import Cluster, own_key, unless_gone
from ..controllers.queue import split_key
from ..errors import ApiError
from ..flags import Flags
from ..objects import Obj, annotations_of, condition, dig, is_deleting, name_of, namespace_of, set_condition, uid_of
from ..paths import path_of
from ..stopping import until_stopped
from .filters import Place, fitting, summary

NAME = "default-scheduler"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
FINISHED = ("Succeeded", "Failed")
ASSUMED_S = 30.0
log = logging.getLogger("scheduler")


def run(flags: Flags) -> int:
    """Schedule until stopped; 0."""
    health.serve(flags.text("bind-address"), flags.number("secure-port"), "kube-scheduler")
    cluster = Cluster(Client.from_kubeconfig(flags.text("kubeconfig")), flags, NAME)
    Scheduler(cluster)
    cluster.start()
    log.info("stand-in for kube-scheduler runs")
    until_stopped()
    return 0


class Scheduler:
    """One queue of pods. Whatever may make room (a node, a pod that goes, a bound claim) tries the waiting again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._assumed: dict[str, tuple[str, float]] = {}
        self._queue = cluster.queue("scheduler", self._schedule)
        self._pods = cluster.informer("pods")
        self._pods.listen(self._pod_changed)
        self._nodes = cluster.informer("nodes")
        self._nodes.listen(self._node_changed)
        self._claims = cluster.informer("persistentvolumeclaims")
        self._claims.listen(lambda before, after: self._retry())
        self._classes = cluster.informer("storageclasses")

    def _pod_changed(self, before: Obj | None, after: Obj | None) -> None:
        if after is not None and _is_waiting(after):
            if before is None or before["spec"] != after["spec"]:
                self._queue.add(own_key(after))
        elif before is not None and dig(before, "spec.nodeName") and (after is None or _is_finished(after)):
            self._retry()

    def _node_changed(self, before: Obj | None, after: Obj | None) -> None:
        if after is not None and (before is None or _room(before) != _room(after)):
            self._retry()

    def _retry(self) -> None:
        for pod in self._pods.all():
            if _is_waiting(pod):
                self._queue.add(own_key(pod))

    def _schedule(self, key: str) -> None:
        pod = self._pods.get(*split_key(key))
        if pod is None or not _is_waiting(pod) or uid_of(pod) in self._assumed:
            return
        missing = self._unbound_claims(pod)
        if missing:
            self._fail(pod, missing)
            return
        places = self._places()
        good, reasons = fitting(pod, places)
        if not good:
            self._fail(pod, summary(len(places), reasons))
            return
        best = min(good, key=lambda place: (_same_owner(pod, place), len(place.pods), place.name))
        self._bind(pod, best.name)

    def _places(self) -> list[Place]:
        """All nodes with their pods, those just bound included."""
        now = time.monotonic()
        places = {name_of(node): Place(node) for node in self._nodes.all()}
        for pod in self._pods.all():
            node = dig(pod, "spec.nodeName")
            assumed, until = self._assumed.get(uid_of(pod), ("", 0.0))
            if node or until < now:
                self._assumed.pop(uid_of(pod), None)
            else:
                node = assumed
            if node in places and not _is_finished(pod):
                places[node].pods.append(pod)
        return list(places.values())

    def _unbound_claims(self, pod: Obj) -> str:
        """Why the pod's claims keep it waiting; "" when they do not."""
        for volume in dig(pod, "spec.volumes", []):
            name = dig(volume, "persistentVolumeClaim.claimName")
            if not name:
                continue
            claim = self._claims.get(namespace_of(pod), name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if dig(claim, "status.phase") != "Bound" and not self._binds_late(claim):
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _binds_late(self, claim: Obj) -> bool:
        """For WaitForFirstConsumer: choose a node for the claim first, then wait for its volume."""
        found = self._classes.get("", dig(claim, "spec.storageClassName", ""))
        if found is None or found["volumeBindingMode"] != "WaitForFirstConsumer":
            return False
        if SELECTED_NODE not in annotations_of(claim) and self._nodes.all():
            mark = {"metadata": {"annotations": {SELECTED_NODE: name_of(self._nodes.all()[0])}}}
            unless_gone(lambda: self._cluster.client.patch(path_of(claim), mark))
        return False

    def _bind(self, pod: Obj, node: str) -> None:
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        metadata = {"name": name_of(pod), "namespace": namespace_of(pod), "uid": pod["metadata"]["uid"]}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        self._assumed[uid_of(pod)] = (node, time.monotonic() + ASSUMED_S)
        try:
            self._cluster.client.create(path_of(pod, "binding"), binding)
        except ApiError as error:
            self._assumed.pop(uid_of(pod), None)
            if error.code not in (404, 409):
                raise
            return
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
        self._cluster.events.record(pod, "Scheduled", message)

    def _fail(self, pod: Obj, message: str) -> None:
        old = condition(pod, "PodScheduled") or {}
        if old.get("message") == message:
            return
        told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        conditions = set_condition(dig(pod, "status.conditions", []), told)
        unless_gone(lambda: self._cluster.client.patch(path_of(pod, "status"), {"status": {"conditions": conditions}}))
        self._cluster.events.record(pod, "FailedScheduling", message, "Warning")


def _is_finished(pod: Obj) -> bool:
    return dig(pod, "status.phase") in FINISHED


def _is_waiting(pod: Obj) -> bool:
    spec = pod["spec"]
    return (
        not spec.get("nodeName")
        and spec.get("schedulerName", NAME) == NAME
        and not is_deleting(pod)
        and not spec.get("schedulingGates")
        and not _is_finished(pod)
    )


def _room(node: Obj) -> Obj:
    """What of a node decides who may run there; heartbeats are not part of it."""
    return {
        "spec": node.get("spec"),
        "labels": dig(node, "metadata.labels"),
        "allocatable": dig(node, "status.allocatable"),
    }


def _same_owner(pod: Obj, place: Place) -> int:
    """Pods of the same owner on that node: spreading them comes before evening out."""
    owners = {one["uid"] for one in dig(pod, "metadata.ownerReferences", [])}
    return sum(1 for other in place.pods for one in dig(other, "metadata.ownerReferences", []) if one["uid"] in owners)
