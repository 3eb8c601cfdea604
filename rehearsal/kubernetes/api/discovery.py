"""What the server serves: /api and /apis in the aggregated form that kubectl asks for, and /openapi/v3.

Of the old form only the list of the core group is there: by it `kubectl drain` finds out that pods can be evicted.
The OpenAPI documents hold only what kubectl looks for before it applies or diffs: that a kind's PATCH takes
`dryRun`, `fieldValidation` and `fieldManager`. They hold no schemas, so `kubectl explain` has nothing to show.
"""

from __future__ import annotations

from typing import Any

from .errors import no_such_path, not_served
from .exchange import Answer
from .objects import Obj
from .resources import ALL_VERBS, Registry, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# Subresource -> kind, group and version of what is sent there, where it is not the object's own kind.
SENT_KINDS = {
    "scale": ("autoscaling", "v1", "Scale", ["patch"]),
    "binding": ("", "v1", "Binding", ["create"]),
    "eviction": ("policy", "v1", "Eviction", ["create"]),
    "log": ("", "v1", "Pod", ["get"]),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ["create"]),
}
STATUS_VERBS = ["get", "patch", "update"]
PATCH_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def _groups(registry: Registry) -> dict[str, dict[str, list[Resource]]]:
    """Group -> version -> kinds."""
    found: dict[str, dict[str, list[Resource]]] = {}
    for one in registry.all():
        found.setdefault(one.group, {}).setdefault(one.version, []).append(one)
    return found


def group_list(registry: Registry, core: bool, accept: str) -> Answer:
    """/api (core) or /apis; 501 for a client that does not take the aggregated form."""
    if AGGREGATED not in accept:
        raise not_served(f"discovery in another form than {AGGREGATED}")
    groups = {name: versions for name, versions in _groups(registry).items() if (name == "") == core}
    items = [_aggregated(name, versions) for name, versions in groups.items()]
    body = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
    return Answer(body=body, content_type=AGGREGATED)


def _aggregated(name: str, versions: dict[str, list[Resource]]) -> Obj:
    listed = [
        {"version": version, "freshness": "Current", "resources": [_aggregated_resource(one) for one in kinds]}
        for version, kinds in versions.items()
    ]
    return {"metadata": {"name": name, "creationTimestamp": None}, "versions": listed}


def _aggregated_resource(one: Resource) -> Obj:
    found: Obj = {
        "resource": one.plural,
        "responseKind": {"group": one.group, "version": one.version, "kind": one.kind},
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.singular,
        "verbs": list(ALL_VERBS),
    }
    if one.short:
        found["shortNames"] = list(one.short)
    if one.categories:
        found["categories"] = list(one.categories)
    if one.subresources:
        found["subresources"] = [_aggregated_part(one, part) for part in sorted(one.subresources)]
    return found


def _aggregated_part(one: Resource, part: str) -> Obj:
    group, version, kind, verbs = SENT_KINDS.get(part, (one.group, one.version, one.kind, STATUS_VERBS))
    response = {"group": group, "version": version, "kind": kind}
    return {"subresource": part, "responseKind": response, "verbs": verbs}


def core_list(registry: Registry) -> Answer:
    """/api/v1."""
    listed = []
    for one in _groups(registry)[""]["v1"]:
        names = {"singularName": one.singular, "shortNames": list(one.short), "categories": list(one.categories)}
        listed.append({**_entry(one, one.plural, one.kind, list(ALL_VERBS)), **names})
        for part in sorted(one.subresources):
            group, version, kind, verbs = SENT_KINDS.get(part, (one.group, one.version, one.kind, STATUS_VERBS))
            entry = _entry(one, f"{one.plural}/{part}", kind, verbs)
            listed.append({**entry, "group": group, "version": version, "singularName": ""})
    return Answer(body={"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": listed})


def _entry(one: Resource, name: str, kind: str, verbs: list[str]) -> Obj:
    return {"name": name, "namespaced": one.namespaced, "kind": kind, "verbs": verbs}


def openapi_index(registry: Registry) -> Answer:
    """/openapi/v3: one document for each group and version."""
    paths = {}
    for one in registry.all():
        place = f"apis/{one.api_version}" if one.group else f"api/{one.version}"
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}"}
    return Answer(body={"paths": paths})


def openapi_document(registry: Registry, place: str) -> Answer:
    """/openapi/v3/apis/GROUP/VERSION: the PATCH of each kind and its parameters."""
    api_version = place.removeprefix("apis/").removeprefix("api/")
    kinds = [one for one in registry.all() if one.api_version == api_version]
    if not kinds:
        raise no_such_path()
    paths = {f"/{place}/{_scope(one)}{one.plural}/{{name}}": {"patch": _patch(one)} for one in kinds}
    info = {"title": "Kubernetes", "version": "stand-in"}
    return Answer(body={"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}})


def _scope(one: Resource) -> str:
    return "namespaces/{namespace}/" if one.namespaced else ""


def _patch(one: Resource) -> Obj:
    parameters: list[Any] = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PATCH_PARAMETERS]
    return {
        "operationId": f"patch{one.kind}",
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": one.group, "version": one.version, "kind": one.kind},
    }
