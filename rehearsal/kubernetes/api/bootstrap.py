"""What a fresh cluster holds by itself: namespaces, priority classes, default roles, the `kubernetes` Service.

Stands in for the API server's post-start hooks.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from .identity import User
from .objects import Obj
from .operations import Operations, Options, Target

LOOPBACK = User("system:apiserver", ("system:masters",))
STAND_IN = (
    "This API server, its controllers, its scheduler, its kubelets and its kubeadm are stand-ins of the rehearsal, "
    "not Kubernetes. They serve what the lab asks for and refuse the rest by name."
)


def ensure_defaults(operations: Operations, service_address: str, address: str, port: int) -> None:
    """Create what is missing; objects that are there stay as they are, except where the API server itself is."""
    for obj in _defaults(service_address, port):
        _ensure(operations, obj)
    _point_at(operations, address, port)


@cache
def _listed() -> list[Obj]:
    return list(yaml.safe_load_all((Path(__file__).parent / "bootstrap.yaml").read_text(encoding="utf-8")))


def _defaults(service_address: str, port: int) -> list[Obj]:
    note = _object("v1", "ConfigMap", "stand-in", "kube-public", data={"note": STAND_IN})
    spec = {
        "type": "ClusterIP",
        "clusterIP": service_address,
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
    }
    service = _object("v1", "Service", "kubernetes", "default", spec=spec)
    service["metadata"]["labels"] = {"component": "apiserver", "provider": "kubernetes"}
    return [*_listed(), note, service]


def _object(api_version: str, kind: str, name: str, namespace: str, **rest: Any) -> Obj:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _target(operations: Operations, obj: Obj) -> Target:
    resource = operations.registry.by_kind(obj["apiVersion"], obj["kind"])
    if resource is None:
        message = f"{obj['kind']} is not served"
        raise LookupError(message)
    return Target(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _ensure(operations: Operations, obj: Obj) -> None:
    target = _target(operations, obj)
    if operations.store.get(target.resource.key, target.namespace, target.name) is None:
        operations.create(target, obj, Options(LOOPBACK))


def _point_at(operations: Operations, address: str, port: int) -> None:
    """Endpoints and EndpointSlice of the `kubernetes` Service name this server."""
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    endpoints = _object("v1", "Endpoints", "kubernetes", "default")
    endpoints["subsets"] = [{"addresses": [{"ip": address}], "ports": ports}]
    labels = {"kubernetes.io/service-name": "kubernetes"}
    part = _object("discovery.k8s.io/v1", "EndpointSlice", "kubernetes", "default", addressType="IPv4", ports=ports)
    part["metadata"]["labels"] = labels
    part["endpoints"] = [{"addresses": [address], "conditions": {"ready": True}}]
    for obj in (endpoints, part):
        _ensure(operations, obj)
        changed = {key: value for key, value in obj.items() if key not in ("metadata", "apiVersion", "kind")}
        operations.modify(_target(operations, obj), partial(_with, changed), Options(LOOPBACK))


def _with(changed: Obj, old: Obj) -> Obj:
    return {**old, **changed}
