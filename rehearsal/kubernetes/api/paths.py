"""URLs of objects and of kinds."""

from __future__ import annotations

from .objects import Obj, name_of, namespace_of

CORE = "/api/v1"
APPS = "/apis/apps/v1"
PLURALS = {
    "Pod": "pods",
    "Node": "nodes",
    "ReplicaSet": "replicasets",
    "Deployment": "deployments",
    "DaemonSet": "daemonsets",
    "Endpoints": "endpoints",
    "EndpointSlice": "endpointslices",
    "ServiceAccount": "serviceaccounts",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Namespace": "namespaces",
    "Lease": "leases",
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "CertificateSigningRequest": "certificatesigningrequests",
    "Event": "events",
}


def collection(api_version: str, plural: str, namespace: str = "") -> str:
    """The URL of all objects of a kind, of one namespace when it is given."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def siblings(obj: Obj) -> str:
    """The URL of the collection that a well-known object stands in."""
    return collection(obj["apiVersion"], PLURALS[obj["kind"]], namespace_of(obj))


def path_of(obj: Obj, subresource: str = "") -> str:
    """The URL of a well-known object."""
    base = f"{siblings(obj)}/{name_of(obj)}"
    return f"{base}/{subresource}" if subresource else base
