"""Deployment: one ReplicaSet for each version of its template, replaced step by step. Stands in for
pkg/controller/deployment; rollbacks, and proportional scaling in the middle of a rollout, are left out."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from ..objects import (
    Obj,
    annotations_of,
    condition,
    controller_of,
    dig,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    parse_time,
    set_condition,
    timestamp,
    uid_of,
)
from ..paths import APPS, path_of
from .cluster import Cluster, own_key, unless_gone, unless_there
from .pods import template_hash
from .queue import key_of, split_key
from .rollout import Counts, bounds, next_new, next_old

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


class Deployments:
    """Moves Deployments to their newest template."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("deployments", self._reconcile)
        cluster.on_change("deployments", self._queue)
        cluster.on_change("replicasets", self._queue, _owner_key)

    def _reconcile(self, key: str) -> None:
        namespace, name = split_key(key)
        client = self._cluster.client
        deployment = client.find(f"{APPS}/namespaces/{namespace}/deployments/{name}")
        if deployment is None or is_deleting(deployment):
            return
        listed = client.get(f"{APPS}/namespaces/{namespace}/replicasets")["items"]
        mine = [one for one in listed if (controller_of(one) or {}).get("uid") == uid_of(deployment)]
        digest = template_hash(deployment["spec"]["template"])
        new = next((one for one in mine if labels_of(one).get(HASH) == digest), None)
        old = [one for one in mine if one is not new]
        if not dig(deployment, "spec.paused", False) or new is not None:
            new = self._newest(deployment, new, old, digest)
            if new is None:
                return
            self._roll(deployment, new, old)
            self._forget(deployment, old)
        self._report(deployment, new, old)

    def _newest(self, deployment: Obj, new: Obj | None, old: list[Obj], digest: str) -> Obj | None:
        """The ReplicaSet of the current template, made when it is missing, with the highest revision."""
        highest = max((int(annotations_of(one).get(REVISION, "0")) for one in old), default=0)
        client = self._cluster.client
        if new is None:
            made = _replica_set(deployment, digest, highest + 1)
            new = unless_there(lambda: client.create(f"{APPS}/namespaces/{namespace_of(deployment)}/replicasets", made))
        elif int(annotations_of(new).get(REVISION, "0")) <= highest and old:
            change = {"metadata": {"annotations": {REVISION: str(highest + 1)}}}
            new = client.patch(path_of(new), change)
        if new and annotations_of(deployment).get(REVISION) != annotations_of(new)[REVISION]:
            change = {"metadata": {"annotations": {REVISION: annotations_of(new)[REVISION]}}}
            unless_gone(lambda: client.patch(path_of(deployment), change))
        return new

    def _roll(self, deployment: Obj, new: Obj, old: list[Obj]) -> None:
        desired, strategy = dig(deployment, "spec.replicas", 1), dig(deployment, "spec.strategy", {})
        counts = [_counts(one) for one in old]
        if strategy.get("type") == "Recreate":
            sizes = [0 for _ in old]
            left = sum(dig(one, "status.replicas", 0) + dig(one, "status.terminatingReplicas", 0) for one in old)
            size = dig(new, "spec.replicas", 0) if left else desired
        else:
            surge, unavailable = bounds(desired, strategy)
            size = next_new(desired, surge, _counts(new), counts)
            sizes = next_old(desired, unavailable, Counts(size, _counts(new).available), counts)
        self._resize(deployment, new, size)
        for one, wanted in zip(old, sizes, strict=True):
            self._resize(deployment, one, wanted)

    def _resize(self, deployment: Obj, replica_set: Obj, size: int) -> None:
        held = dig(replica_set, "spec.replicas", 0)
        if held == size:
            return
        unless_gone(lambda: self._cluster.client.patch(path_of(replica_set), {"spec": {"replicas": size}}))
        word = "up" if size > held else "down"
        message = f"Scaled {word} replica set {name_of(replica_set)} from {held} to {size}"
        self._cluster.events.record(deployment, "ScalingReplicaSet", message)
        replica_set["spec"]["replicas"] = size

    def _forget(self, deployment: Obj, old: list[Obj]) -> None:
        """Delete ReplicaSets that are empty and older than revisionHistoryLimit keeps."""
        empty = [one for one in old if not dig(one, "spec.replicas", 0) and not dig(one, "status.replicas", 0)]
        empty.sort(key=lambda one: int(annotations_of(one).get(REVISION, "0")))
        for one in empty[: max(0, len(empty) - dig(deployment, "spec.revisionHistoryLimit", 10))]:
            unless_gone(lambda gone=one: self._cluster.client.delete(path_of(gone)))  # type: ignore[misc]

    def _report(self, deployment: Obj, new: Obj | None, old: list[Obj]) -> None:
        status = _status(deployment, new, old)
        if status == (deployment.get("status") or {}):
            status = deployment["status"]
        else:
            unless_gone(lambda: self._cluster.client.patch(path_of(deployment, "status"), {"status": status}))
        left = _until_deadline(deployment, status)
        if left is not None:
            self._queue.add(own_key(deployment), left)


def _owner_key(replica_set: Obj) -> list[str]:
    owner = controller_of(replica_set)
    return [key_of(namespace_of(replica_set), owner["name"])] if owner and owner["kind"] == "Deployment" else []


def _counts(replica_set: Obj) -> Counts:
    return Counts(dig(replica_set, "spec.replicas", 0), dig(replica_set, "status.availableReplicas", 0))


def _replica_set(deployment: Obj, digest: str, revision: int) -> Obj:
    template = copy.deepcopy(deployment["spec"]["template"])
    labels = {**labels_of(template), HASH: digest}
    template.setdefault("metadata", {})["labels"] = labels
    selector = copy.deepcopy(deployment["spec"]["selector"])
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH: digest}
    metadata = {
        "name": f"{name_of(deployment)}-{digest}",
        "namespace": namespace_of(deployment),
        "labels": labels,
        "annotations": {REVISION: str(revision)},
        "ownerReferences": [owner_reference(deployment)],
    }
    spec = {"replicas": 0, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _status(deployment: Obj, new: Obj | None, old: list[Obj]) -> Obj:
    sets = [*old, *([new] if new else [])]
    total, ready, available = (
        sum(dig(one, f"status.{name}", 0) for one in sets)
        for name in ("replicas", "readyReplicas", "availableReplicas")
    )
    updated, desired = dig(new, "status.replicas", 0), dig(deployment, "spec.replicas", 1)
    status = {
        "observedGeneration": dig(deployment, "metadata.generation", 0),
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
        "unavailableReplicas": max(0, desired - available),
    }
    enough = available >= desired - bounds(desired, dig(deployment, "spec.strategy", {}))[1]
    word = "Available" if enough else "Unavailable"
    have = f"Deployment {'has' if enough else 'does not have'} minimum availability."
    conditions = dig(deployment, "status.conditions", [])
    conditions = _with(conditions, "Available", str(enough), f"MinimumReplicas{word}", have)
    done = updated == desired == available == total
    return {**status, "conditions": _progress(deployment, conditions, new, done, available)}


def _progress(deployment: Obj, conditions: list[Obj], new: Obj | None, done: bool, available: int) -> list[Obj]:
    name = name_of(new) if new else ""
    if done:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _with(conditions, "Progressing", "True", "NewReplicaSetAvailable", message)
    left = _until_deadline(deployment, deployment.get("status") or {})
    unmoved = available == dig(deployment, "status.availableReplicas", -1)
    if left is not None and left <= 0 and unmoved:
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _with(conditions, "Progressing", "False", "ProgressDeadlineExceeded", message)
    return _with(
        conditions, "Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.', not unmoved
    )


def _with(conditions: list[Obj], kind: str, status: str, reason: str, message: str, moved: bool = False) -> list[Obj]:
    old = next((one for one in conditions if one["type"] == kind), None)
    same = old and (old["status"], old["reason"], old["message"]) == (status, reason, message)
    if same and not moved:
        return conditions
    wanted = {"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": timestamp()}
    return set_condition(conditions, wanted)


def _until_deadline(deployment: Obj, status: Obj) -> float | None:
    """Seconds until a rollout that moves no further has failed; None when none is under way."""
    progressing = condition({"status": status}, "Progressing")
    if not progressing or progressing["reason"] != "ReplicaSetUpdated":
        return None
    since = (datetime.now(UTC) - parse_time(progressing["lastUpdateTime"])).total_seconds()
    return float(dig(deployment, "spec.progressDeadlineSeconds", 600)) - since
