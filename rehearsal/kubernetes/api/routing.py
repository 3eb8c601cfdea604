"""From a URL to what it is about: a kind, a namespace, a name, a subresource, and the verb that authorization knows."""

from __future__ import annotations

from .authorization import Attributes
from .errors import method_not_allowed, no_such_path, not_served
from .exchange import Request
from .operations import Target
from .resources import Registry

NAMESPACE_PARTS = ("status", "finalize")
COLLECTION_VERBS = {"GET": "list", "POST": "create"}
OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


def is_resource_path(path: str) -> bool:
    """Whether the URL is about objects: /api/v1/... or /apis/GROUP/VERSION/... with something behind."""
    parts = path.strip("/").split("/")
    return (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3)


def target(registry: Registry, path: str) -> Target:
    """The kind and object that a URL names; 404 when no such kind is served."""
    parts = [part for part in path.strip("/").split("/") if part]
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in NAMESPACE_PARTS):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        raise no_such_path()
    plural, name, subresource = (*rest, "", "")[:3]
    resource = registry.find(group, version, plural)
    if bool(namespace) and not resource.namespaced:
        raise no_such_path()
    if name and resource.namespaced and not namespace:
        raise no_such_path()
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    return Target(resource, namespace, name, subresource)


def verb(request: Request, aim: Target) -> str:
    """The verb of RBAC for this request; 405 for a method that does not fit."""
    if request.method == "DELETE" and not aim.name:
        raise not_served("the deletion of a whole collection")
    verbs = OBJECT_VERBS if aim.name else COLLECTION_VERBS
    found = verbs.get(request.method)
    if found is None or (found == "create" and aim.name and not aim.subresource):
        raise method_not_allowed(request.method.lower())
    if found == "list" and request.flag("watch"):
        return "watch"
    return found


def attributes(request: Request, aim: Target, asked: str) -> Attributes:
    """What the authorizer is asked."""
    return Attributes(
        user=request.user,
        verb=asked,
        group=aim.resource.group,
        resource=aim.resource.plural,
        subresource=aim.subresource,
        namespace=aim.name if aim.resource.kind == "Namespace" else aim.namespace,
        name=aim.name,
        fields=request.query.get("fieldSelector", ""),
    )
