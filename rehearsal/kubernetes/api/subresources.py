"""The requests below an object: binding, eviction, scale, token."""

from __future__ import annotations

import math
from typing import Any

from .deletion import delete
from .errors import ApiError, bad_request, conflict, no_such_path
from .exchange import Answer, Request
from .objects import Obj, condition, dig, labels_of, name_of, namespace_of, set_condition
from .operations import Operations, Options, Target
from .patching import merge_patch
from .selection import matches
from .service_tokens import ServiceTokens


def created_status() -> Obj:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def bind(operations: Operations, target: Target, body: Obj, options: Options) -> Answer:
    """pods/binding: the scheduler puts a pod on a node; 409 when it is on one already."""
    node = dig(body, "target.name", "")
    if not node:
        raise bad_request("binding.target.name is required")
    with operations.store.lock:
        pod = operations.get(target)
        if dig(pod, "spec.nodeName"):
            why = f'pod {name_of(pod)} is already assigned to node "{pod["spec"]["nodeName"]}"'
            raise conflict("", "pods/binding", name_of(pod), why)
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        conditions = set_condition(dig(pod, "status.conditions", []), scheduled)
        conditions = [{k: v for k, v in one.items() if k not in ("reason", "message")} for one in conditions]
        bound = {
            **pod,
            "spec": {**pod["spec"], "nodeName": node},
            "status": {**pod["status"], "conditions": conditions},
        }
        if not options.dry_run:
            operations.store.put(target.resource.key, bound)
    return Answer(201, created_status())


def evict(operations: Operations, target: Target, body: Obj, options: Options) -> Answer:
    """pods/eviction: delete a pod unless a PodDisruptionBudget forbids it just now (429)."""
    with operations.store.lock:
        pod = operations.get(target)
        for budget in operations.store.all(("policy", "poddisruptionbudgets"), target.namespace):
            if matches(dig(budget, "spec.selector"), labels_of(pod)) and not _may_disturb(operations, budget):
                message = "Cannot evict pod as it would violate the pod's disruption budget."
                cause = {
                    "reason": "DisruptionBudget",
                    "message": f"The disruption budget {name_of(budget)} needs more healthy pods",
                }
                raise ApiError(429, "TooManyRequests", message, {"causes": [cause]})
        deletion = body.get("deleteOptions") or {}
        delete(operations.store, operations.registry, target.resource, pod, deletion, options.dry_run)
    return Answer(201, created_status())


def _may_disturb(operations: Operations, budget: Obj) -> bool:
    pods = operations.store.all(("", "pods"), namespace_of(budget))
    chosen = [pod for pod in pods if matches(dig(budget, "spec.selector"), labels_of(pod))]
    healthy = sum(1 for pod in chosen if (condition(pod, "Ready") or {}).get("status") == "True")
    spec = budget["spec"]
    if "minAvailable" in spec:
        return healthy > _share(spec["minAvailable"], len(chosen))
    return len(chosen) - healthy < _share(spec.get("maxUnavailable", 1), len(chosen))


def _share(value: Any, total: int) -> int:
    """A count, or a percentage of `total` rounded up."""
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * total / 100)
    return int(value)


def scale(operations: Operations, target: Target, request: Request, options: Options) -> Obj:
    """PATCH of deployments/scale: only the number of replicas."""
    wanted = merge_patch(_scale_of(operations.get(target)), request.content())
    replicas = dig(wanted, "spec.replicas", 0)
    plain = Target(target.resource, target.namespace, target.name)
    changed = operations.modify(plain, lambda old: {**old, "spec": {**old["spec"], "replicas": replicas}}, options)
    return _scale_of(changed)


def _scale_of(obj: Obj) -> Obj:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    chosen = dig(obj, "spec.selector.matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: obj["metadata"][key] for key in kept},
        "spec": {"replicas": dig(obj, "spec.replicas", 0)},
        "status": {
            "replicas": dig(obj, "status.replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in chosen.items()),
        },
    }


def token(operations: Operations, target: Target, body: Obj, tokens: ServiceTokens | None) -> Answer:
    """serviceaccounts/token; 404 when the server was given no signing key."""
    if tokens is None:
        raise no_such_path()
    return Answer(201, tokens.issue(operations.get(target), body))
