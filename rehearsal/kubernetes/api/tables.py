"""Tables, the form in which kubectl get shows objects: the server lays out the columns.

Stands in for k8s.io/kubernetes/pkg/printers, for the three kinds that the project's pages have a person list. Of every
other kind kubectl gets the objects themselves, which it asks for in second place, and shows their names and ages.
"""

from __future__ import annotations

from typing import Any

from .ages import age, duration
from .exchange import Request
from .objects import Obj, age_seconds, condition, dig, is_deleting, labels_of, name_of
from .resources import Resource

NONE, UNKNOWN = "<none>", "<unknown>"
ROLE = "node-role.kubernetes.io/"


def is_wanted(resource: Resource, request: Request) -> bool:
    """Whether the client (kubectl get) asks for columns of a kind that has some here."""
    asked = "as=Table" in request.accept and "g=meta.k8s.io" in request.accept
    return asked and not resource.custom and resource.kind in LAYOUTS and "includeObject" not in request.query


def table(resource: Resource, objects: list[Obj], version: str) -> Obj:
    """A meta.k8s.io/v1 Table of these objects; each row carries its object's metadata."""
    columns, wide, cells = LAYOUTS[resource.kind]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(name, 0) for name in columns.split("|")]
        + [_definition(name, 1) for name in wide.split("|")],
        "rows": [{"cells": cells(obj), "object": _partial(obj)} for obj in objects],
    }


def _definition(name: str, priority: int) -> Obj:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": form, "description": name, "priority": priority}


def _partial(obj: Obj) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def node(obj: Obj) -> list[Any]:
    ready = condition(obj, "Ready")
    status = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    if dig(obj, "spec.unschedulable"):
        status += ",SchedulingDisabled"
    roles = sorted(key.removeprefix(ROLE) for key in labels_of(obj) if key.startswith(ROLE) and key != ROLE)
    info = dig(obj, "status.nodeInfo", {})
    addresses = {one["type"]: one["address"] for one in reversed(dig(obj, "status.addresses", []))}
    return [
        name_of(obj),
        status,
        ",".join(roles) or NONE,
        age(obj),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", UNKNOWN),
        info.get("kernelVersion", UNKNOWN),
        info.get("containerRuntimeVersion", UNKNOWN),
    ]


def service(obj: Obj) -> list[Any]:
    spec = obj["spec"]
    shown = []
    for port in spec.get("ports") or []:
        outside = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port['port']}{outside}/{port.get('protocol', 'TCP')}")
    given = dig(obj, "status.loadBalancer.ingress") or []
    outside_addresses = [*(spec.get("externalIPs") or []), *(entry["ip"] for entry in given if entry.get("ip"))]
    external = ",".join(outside_addresses)
    if not external:
        external = "<pending>" if spec.get("type") == "LoadBalancer" else NONE
    chosen = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    address = spec.get("clusterIP") or NONE
    return [name_of(obj), spec.get("type"), address, external, ",".join(shown) or NONE, age(obj), chosen or NONE]


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


LAYOUTS = {
    "Node": (
        "Name|Status|Roles|Age|Version",
        "Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime",
        node,
    ),
    "Pod": ("Name|Ready|Status|Restarts|Age", "IP|Node|Nominated Node|Readiness Gates", pod),
    "Service": ("Name|Type|Cluster-IP|External-IP|Port(s)|Age", "Selector", service),
}
