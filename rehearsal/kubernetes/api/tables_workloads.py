"""The columns of pods and of what makes pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ages import age, duration
from .objects import Obj, age_seconds, condition, dig, is_deleting, name_of

NONE = "<none>"


def pod(obj: Obj) -> list[Any]:
    statuses = dig(obj, "status.containerStatuses", [])
    total = len(dig(obj, "spec.containers", []))
    ready = sum(1 for one in statuses if one.get("ready"))
    return [
        name_of(obj),
        f"{ready}/{total}",
        _phase(obj),
        _restarts(statuses),
        age(obj),
        dig(obj, "status.podIP", NONE),
        dig(obj, "spec.nodeName", NONE),
        dig(obj, "status.nominatedNodeName", NONE),
        NONE,
    ]


def _phase(obj: Obj) -> str:
    """The STATUS column: the reason of what holds the pod up, else its phase."""
    shown = str(dig(obj, "status.reason") or dig(obj, "status.phase", "Pending"))
    shown = _initialising(obj) or _container_reason(obj) or shown
    if is_deleting(obj):
        return "Unknown" if dig(obj, "status.reason") == "NodeLost" else "Terminating"
    return shown


def _initialising(obj: Obj) -> str:
    statuses = dig(obj, "status.initContainerStatuses", [])
    for number, one in enumerate(statuses):
        ended = dig(one, "state.terminated")
        if ended and not ended.get("exitCode"):
            continue
        if ended:
            return "Init:" + (ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")
        reason = dig(one, "state.waiting.reason", "")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{number}/{len(dig(obj, 'spec.initContainers', []))}"
    return ""


def _container_reason(obj: Obj) -> str:
    shown, running = "", False
    for one in reversed(dig(obj, "status.containerStatuses", [])):
        ended = dig(one, "state.terminated")
        if dig(one, "state.waiting.reason"):
            shown = one["state"]["waiting"]["reason"]
        elif ended:
            shown = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
        elif one.get("ready") and dig(one, "state.running") is not None:
            running = True
    if shown == "Completed" and running:
        ready = (condition(obj, "Ready") or {}).get("status") == "True"
        return "Running" if ready else "NotReady"
    return shown


def _restarts(statuses: list[Obj]) -> str:
    count = sum(one.get("restartCount", 0) for one in statuses)
    ends = [dig(one, "lastState.terminated.finishedAt") for one in statuses]
    last = max((end for end in ends if end), default="")
    return f"{count} ({duration(age_seconds(last))} ago)" if count and last else str(count)


def _containers(obj: Obj) -> tuple[str, str]:
    found = dig(obj, "spec.template.spec.containers", [])
    return ",".join(one["name"] for one in found), ",".join(one.get("image", "") for one in found)


def selector_text(selector: Obj | None) -> str:
    """A label selector in one line."""
    terms = [f"{key}={value}" for key, value in sorted((selector or {}).get("matchLabels", {}).items())]
    for one in (selector or {}).get("matchExpressions", []):
        values = f" ({','.join(one.get('values', []))})" if one.get("values") else ""
        terms.append(f"{one['key']} {one['operator'].lower()}{values}")
    return ",".join(terms) or NONE


def deployment(obj: Obj) -> list[Any]:
    names, images = _containers(obj)
    return [
        name_of(obj),
        f"{dig(obj, 'status.readyReplicas', 0)}/{dig(obj, 'spec.replicas', 0)}",
        dig(obj, "status.updatedReplicas", 0),
        dig(obj, "status.availableReplicas", 0),
        age(obj),
        names,
        images,
        selector_text(dig(obj, "spec.selector")),
    ]


def replica_set(obj: Obj) -> list[Any]:
    return [
        name_of(obj),
        dig(obj, "spec.replicas", 0),
        dig(obj, "status.replicas", 0),
        dig(obj, "status.readyReplicas", 0),
        age(obj),
        *_containers(obj),
        selector_text(dig(obj, "spec.selector")),
    ]


def daemon_set(obj: Obj) -> list[Any]:
    status = obj.get("status") or {}
    chosen = dig(obj, "spec.template.spec.nodeSelector", {})
    counted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    return [
        name_of(obj),
        *(status.get(name, 0) for name in (*counted, "numberAvailable")),
        ",".join(f"{key}={value}" for key, value in sorted(chosen.items())) or NONE,
        age(obj),
        *_containers(obj),
        selector_text(dig(obj, "spec.selector")),
    ]


def stateful_set(obj: Obj) -> list[Any]:
    ready = f"{dig(obj, 'status.readyReplicas', 0)}/{dig(obj, 'spec.replicas', 0)}"
    return [name_of(obj), ready, age(obj), *_containers(obj)]


def job(obj: Obj) -> list[Any]:
    done = f"{dig(obj, 'status.succeeded', 0)}/{dig(obj, 'spec.completions', 1)}"
    return [name_of(obj), "Running", done, "", age(obj), *_containers(obj), selector_text(dig(obj, "spec.selector"))]


Cells = Callable[[Obj], list[Any]]
LAYOUTS: dict[str, tuple[str, str, Cells]] = {
    "Pod": ("Name|Ready|Status|Restarts|Age", "IP|Node|Nominated Node|Readiness Gates", pod),
    "Deployment": ("Name|Ready|Up-to-date|Available|Age", "Containers|Images|Selector", deployment),
    "ReplicaSet": ("Name|Desired|Current|Ready|Age", "Containers|Images|Selector", replica_set),
    "ReplicationController": ("Name|Desired|Current|Ready|Age", "Containers|Images|Selector", replica_set),
    "DaemonSet": (
        "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age",
        "Containers|Images|Selector",
        daemon_set,
    ),
    "StatefulSet": ("Name|Ready|Age", "Containers|Images", stateful_set),
    "Job": ("Name|Status|Completions|Duration|Age", "Containers|Images|Selector", job),
}
