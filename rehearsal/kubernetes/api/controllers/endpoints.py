"""Endpoints and EndpointSlice of each Service with a selector. Stands in for pkg/controller/endpoint{,slice}."""

from __future__ import annotations

from typing import Any

from ..objects import Obj, dig, is_deleting, labels_of, name_of, namespace_of, owner_reference
from ..paths import CORE, collection
from .cluster import Cluster, own_key, unless_gone, unless_there
from .pods import is_finished, is_ready
from .queue import split_key

SLICES = "discovery.k8s.io/v1"


class ServiceEndpoints:
    """Lists the addresses of the pods behind each Service."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("endpoints", self._reconcile)
        self._services = cluster.on_change("services", self._queue)
        self._pods = cluster.on_change("pods", self._queue, self._selecting)

    def _selecting(self, pod: Obj) -> list[str]:
        return [own_key(one) for one in self._services.all(namespace_of(pod)) if _selects(one, pod)]

    def _reconcile(self, key: str) -> None:
        namespace, name = split_key(key)
        service = self._services.get(namespace, name)
        if service is None:
            path = f"{CORE}/namespaces/{namespace}/endpoints/{name}"
            if not (namespace == "default" and name == "kubernetes"):
                unless_gone(lambda: self._cluster.client.delete(path))
            return
        if not dig(service, "spec.selector"):
            return
        chosen = [pod for pod in self._pods.all(namespace) if _selects(service, pod) and _has_address(pod)]
        self._write(service, "v1", "endpoints", name, _endpoints(service, chosen))
        self._write(service, SLICES, "endpointslices", f"{name}-{_suffix(service)}", _slice(service, chosen))

    def _write(self, service: Obj, api_version: str, plural: str, name: str, content: Obj) -> None:
        client, base = self._cluster.client, collection(api_version, plural, namespace_of(service))
        old = client.find(f"{base}/{name}")
        if old is None:
            unless_there(lambda: client.create(base, {**content, "metadata": {**content["metadata"], "name": name}}))
        elif any(old.get(part) != content.get(part) for part in ("subsets", "endpoints", "ports")):
            changed: Obj = {part: content[part] for part in ("subsets", "endpoints", "ports") if part in content}
            unless_gone(lambda: client.patch(f"{base}/{name}", changed))


def _selects(service: Obj, pod: Obj) -> bool:
    selector = dig(service, "spec.selector")
    return bool(selector) and all(labels_of(pod).get(key) == value for key, value in selector.items())


def _has_address(pod: Obj) -> bool:
    return bool(dig(pod, "status.podIP")) and not is_finished(pod) and not is_deleting(pod)


def _suffix(service: Obj) -> str:
    return str(service["metadata"]["uid"]).replace("-", "")[:5]


def target_port(port: Obj, pods: list[Obj]) -> int | None:
    """The number of a Service port's target; a name is looked up among the pods' container ports."""
    wanted: Any = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    if str(wanted).isdigit():
        return int(wanted)
    named = (
        one["containerPort"]
        for pod in pods
        for container in pod["spec"]["containers"]
        for one in container.get("ports") or []
        if one.get("name") == wanted
    )
    return next(named, None)


def _ports(service: Obj, pods: list[Obj]) -> list[Obj]:
    found = []
    for port in service["spec"].get("ports") or []:
        number = target_port(port, pods)
        if number is not None:
            found.append({"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")})
    return found


def _reference(pod: Obj) -> Obj:
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": pod["metadata"]["uid"]}


def _endpoints(service: Obj, pods: list[Obj]) -> Obj:
    def address(pod: Obj) -> Obj:
        return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _reference(pod)}

    subset: Obj = {"ports": [{k: v for k, v in one.items() if v != ""} for one in _ports(service, pods)]}
    ready, waiting = [pod for pod in pods if is_ready(pod)], [pod for pod in pods if not is_ready(pod)]
    if ready:
        subset["addresses"] = [address(pod) for pod in ready]
    if waiting:
        subset["notReadyAddresses"] = [address(pod) for pod in waiting]
    metadata = {"namespace": namespace_of(service), "labels": labels_of(service)}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset] if pods else []}


def _slice(service: Obj, pods: list[Obj]) -> Obj:
    def point(pod: Obj) -> Obj:
        ready = is_ready(pod)
        return {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": ready, "serving": ready, "terminating": False},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": _reference(pod),
        }

    labels = {
        **labels_of(service),
        "kubernetes.io/service-name": name_of(service),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    metadata = {"namespace": namespace_of(service), "labels": labels, "ownerReferences": [owner_reference(service)]}
    return {
        "apiVersion": SLICES,
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [point(pod) for pod in pods],
        "ports": _ports(service, pods),
    }
