"""What an object must hold to be stored, and what may not change. Stands in for the real `pkg/apis/*/validation`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from . import custom_schema
from .errors import Cause, bad_request, bad_value, field_forbidden, invalid, required, unsupported
from .objects import Obj, annotations_of, dig, labels_of, name_of
from .resources import Resource
from .schema import unknown_fields
from .selection import matches
from .validation_pod import DNS_LABEL, LABEL_HINT, pod_spec

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SUBDOMAIN_HINT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
LABEL_VALUE_HINT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
LONGEST_NAME, LONGEST_LABEL, HIGHEST_PORT = 253, 63, 65535
FREE_NAMES = "rbac.authorization.k8s.io"
SERVICE_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]


def check_fields(resource: Resource, obj: Obj, mode: str) -> list[str]:
    """Refuse unknown fields when `mode` is Strict (400); return them as warnings when it is Warn."""
    if mode == "Ignore":
        return []
    found = [f'unknown field "{path}"' for path in unknown_fields(resource, obj)]
    if found and mode == "Strict":
        raise bad_request(f"strict decoding error: {', '.join(found)}")
    return found


def check(resource: Resource, obj: Obj) -> None:
    """422 with every problem of a new or changed object."""
    causes = [*_metadata(resource, obj)]
    if resource.custom:
        causes += custom_schema.causes(resource.schema, obj)
    checker = None if resource.custom else _CHECKERS.get(resource.kind)
    if checker:
        causes += checker(obj)
    if causes:
        raise invalid(resource.group, resource.kind, name_of(obj), causes)


def check_change(resource: Resource, old: Obj, new: Obj) -> None:
    """422 when something that is fixed would change."""
    causes = [
        bad_value(path, _shown(dig(new, path)), "field is immutable")
        for path in _FIXED.get(resource.kind, ())
        if dig(old, path) is not None and dig(old, path) != dig(new, path)
    ]
    if resource.kind == "Pod" and _pod_core(old) != _pod_core(new):
        causes.append(field_forbidden("spec", POD_UPDATES))
    if resource.kind == "PersistentVolumeClaim" and _claim_core(old) != _claim_core(new):
        causes.append(field_forbidden("spec", "spec is immutable after creation except resources.requests"))
    if causes:
        raise invalid(resource.group, resource.kind, name_of(new), causes)


POD_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_FIXED = {
    "Deployment": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "Secret": ("type",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    "CertificateSigningRequest": ("spec",),
    "CSIDriver": ("spec.attachRequired",),
    "Node": ("spec.podCIDR", "spec.providerID"),
}


def _shown(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else str(value)


def _pod_core(pod: Obj) -> Obj:
    spec = {key: value for key, value in pod["spec"].items() if key not in ("activeDeadlineSeconds", "tolerations")}
    spec.pop("nodeName", None)  # set by pods/binding; the operation itself guards it
    for list_name in ("containers", "initContainers"):
        if list_name in spec:
            spec[list_name] = [{**one, "image": ""} for one in spec[list_name]]
    return spec


def _claim_core(claim: Obj) -> Obj:
    return {key: value for key, value in claim["spec"].items() if key not in ("resources", "volumeName")}


def _metadata(resource: Resource, obj: Obj) -> Iterator[Cause]:
    name = name_of(obj)
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif resource.group == FREE_NAMES:
        if name in (".", "..") or "/" in name or "%" in name:
            yield bad_value("metadata.name", name, "may not be '.' or '..' and may not contain '/' or '%'")
    elif resource.kind in ("Namespace", "Service"):
        if not DNS_LABEL.fullmatch(name) or len(name) > LONGEST_LABEL:
            yield bad_value("metadata.name", name, LABEL_HINT)
    elif not SUBDOMAIN.fullmatch(name) or len(name) > LONGEST_NAME:
        yield bad_value("metadata.name", name, SUBDOMAIN_HINT)
    for value in labels_of(obj).values():
        if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value) or len(value) > LONGEST_LABEL:
            yield bad_value("metadata.labels", value, LABEL_VALUE_HINT)
    for key, value in annotations_of(obj).items():
        if not isinstance(value, str):
            yield bad_value(f"metadata.annotations[{key}]", value, "must be a string")


def _workload(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec", {})
    selector, template = spec.get("selector"), spec.get("template", {})
    labels = dig(template, "metadata.labels", {})
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield required("spec.selector")
    elif not matches(selector, labels):
        yield bad_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    replicas = spec.get("replicas", 1)
    if not isinstance(replicas, int) or replicas < 0:
        yield bad_value("spec.replicas", replicas, "must be greater than or equal to 0")
    yield from pod_spec(template.get("spec", {}), "spec.template.spec", always_restart=True)


def _service(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec", {})
    if spec.get("type") not in SERVICE_TYPES:
        yield unsupported("spec.type", spec.get("type"), SERVICE_TYPES)
    ports = spec.get("ports") or []
    if not ports:
        yield required("spec.ports")
    for number, port in enumerate(ports):
        if not isinstance(port.get("port"), int) or not 1 <= port["port"] <= HIGHEST_PORT:
            yield bad_value(f"spec.ports[{number}].port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{number}].name")


def _claim(obj: Obj) -> Iterator[Cause]:
    if not dig(obj, "spec.accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if not dig(obj, "spec.resources.requests.storage"):
        yield required("spec.resources[storage]")


def _volume(obj: Obj) -> Iterator[Cause]:
    if not dig(obj, "spec.accessModes"):
        yield required("spec.accessModes")
    if not dig(obj, "spec.capacity.storage"):
        yield required("spec.capacity")


def _binding(obj: Obj) -> Iterator[Cause]:
    kinds = ["ClusterRole"] if obj["kind"] == "ClusterRoleBinding" else ["ClusterRole", "Role"]
    if dig(obj, "roleRef.kind") not in kinds:
        yield unsupported("roleRef.kind", dig(obj, "roleRef.kind", ""), kinds)
    if not dig(obj, "roleRef.name"):
        yield required("roleRef.name")


def _definition(obj: Obj) -> Iterator[Cause]:
    for path in ("spec.group", "spec.scope", "spec.names.plural", "spec.names.kind", "spec.versions"):
        if not dig(obj, path):
            yield required(path)
    for number, version in enumerate(dig(obj, "spec.versions", [])):
        if not dig(version, "schema.openAPIV3Schema"):
            yield required(f"spec.versions[{number}].schema.openAPIV3Schema")
    wanted = f"{dig(obj, 'spec.names.plural')}.{dig(obj, 'spec.group')}"
    if name_of(obj) != wanted:
        yield bad_value("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group')


def _signing_request(obj: Obj) -> Iterator[Cause]:
    for path in ("spec.request", "spec.signerName", "spec.usages"):
        if not dig(obj, path):
            yield required(path)


_CHECKERS: dict[str, Callable[[Obj], Iterator[Cause]]] = {
    "Pod": lambda obj: pod_spec(obj.get("spec", {}), "spec"),
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "DaemonSet": _workload,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "CustomResourceDefinition": _definition,
    "CertificateSigningRequest": _signing_request,
    "StorageClass": lambda obj: iter(() if obj.get("provisioner") else (required("provisioner"),)),
}
