"""What a kubelet's credential may do: its node, the pods on it, and what those pods name; and no more.

Stands in for plugin/pkg/auth/authorizer/node, its graph, and plugin/pkg/admission/noderestriction, in their words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .errors import forbidden
from .identity import User
from .objects import Obj, annotations_of, dig, labels_of, name_of
from .resources import Resource
from .store import Store

if TYPE_CHECKING:
    from .authorization import Attributes

MIRROR = "kubernetes.io/config.mirror"
READ = frozenset(("get", "list", "watch"))
WRITE = frozenset(("update", "patch"))
OWN = frozenset(("get", "create", "update", "patch", "delete"))
# What every kubelet may do, whichever node it is.
EVERYWHERE = {
    ("", "services"): READ,
    ("", "events"): WRITE | {"create"},
    ("certificates.k8s.io", "certificatesigningrequests"): READ | {"create"},
    ("node.k8s.io", "runtimeclasses"): READ,
    ("storage.k8s.io", "csidrivers"): READ,
}
ROOT_CA = "kube-root-ca.crt"  # a real pod names it in its token's volume, which the stand-in leaves out of pods
NODE_LABELS = {
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
}
KUBELETS_LABELS = ("kubelet.kubernetes.io", "node.kubernetes.io")


def refused(asked: Attributes, store: Store) -> str | None:
    """None for what the node authorizer allows; else its reason, which may be empty."""
    match asked.group, asked.resource:
        case "", "nodes":
            return _node(asked)
        case "", "pods":
            return _pod(asked, store)
        case "", "secrets" | "configmaps":
            return _read("can only read resources of this type", READ, asked, store)
        case "", "persistentvolumeclaims" | "persistentvolumes":
            return _read("can only get individual resources of this type", {"get"}, asked, store)
        case "", "serviceaccounts":
            return _account(asked, store)
        case "coordination.k8s.io", "leases":
            return _own(asked, "node lease", in_namespace="kube-node-lease")
        case "storage.k8s.io", "csinodes":
            return _own(asked, "CSINode", in_namespace="")
    allowed = not asked.subresource and asked.verb in EVERYWHERE.get((asked.group, asked.resource), ())
    return None if allowed else ""


def _node(asked: Attributes) -> str | None:
    node = asked.user.node
    if asked.subresource:
        return None if asked.subresource == "status" and asked.verb in WRITE else ""
    if asked.verb in WRITE | {"create"} or (asked.verb in READ and asked.name == node):
        return None
    if asked.verb not in READ:
        return ""
    what = f"'{asked.name}'" if asked.name else "all nodes"
    return f"node '{node}' cannot read {what}, only its own Node object"


def _pod(asked: Attributes, store: Store) -> str | None:
    match asked.subresource, asked.verb:
        case "", "get":
            return _related(asked, store)
        case "", "list" | "watch":
            if f"spec.nodeName={asked.user.node}" in asked.fields.split(","):
                return None
            return "can only list/watch pods with spec.nodeName field selector"
        case ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create"):
            return None
    return ""


def _read(otherwise: str, verbs: frozenset[str] | set[str], asked: Attributes, store: Store) -> str | None:
    if asked.verb not in verbs:
        return otherwise
    return "cannot read subresource" if asked.subresource else _related(asked, store)


def _account(asked: Attributes, store: Store) -> str | None:
    if (asked.verb, asked.subresource) not in (("get", ""), ("create", "token")):
        return "can only create tokens for individual service accounts"
    return _related(asked, store)


def _own(asked: Attributes, what: str, *, in_namespace: str) -> str | None:
    if asked.verb not in OWN:
        return f"can only get, create, update, patch, or delete a {what}"
    if asked.namespace != in_namespace:
        return f'can only access leases in the "{in_namespace}" system namespace'
    if asked.verb != "create" and asked.name != asked.user.node:
        return f"can only access {what} with the same name as the requesting node"
    return None


def _related(asked: Attributes, store: Store) -> str | None:
    """None where a pod on the node is this object or names it."""
    if not asked.name:
        return "No Object name found"
    wanted = (asked.resource, asked.namespace, asked.name)
    pods = (pod for pod in store.all(("", "pods")) if dig(pod, "spec.nodeName") == asked.user.node)
    if any(wanted in _named(pod, store) for pod in pods):
        return None
    return f"no relationship found between node '{asked.user.node}' and this object"


def _named(pod: Obj, store: Store) -> Iterator[tuple[str, str, str]]:
    """The pod, and what a kubelet needs to run it."""
    namespace, spec = pod["metadata"]["namespace"], pod["spec"]
    yield "pods", namespace, name_of(pod)
    if MIRROR in annotations_of(pod):
        return
    yield "serviceaccounts", namespace, spec.get("serviceAccountName", "default")
    yield "configmaps", namespace, ROOT_CA
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        for source in (*container.get("envFrom", ()), *(one.get("valueFrom", {}) for one in container.get("env", ()))):
            for key, resource in (("configMap", "configmaps"), ("secret", "secrets")):
                body = source.get(f"{key}Ref") or source.get(f"{key}KeyRef") or {}
                yield resource, namespace, body.get("name", "")
    for volume in spec.get("volumes", ()):
        yield "configmaps", namespace, dig(volume, "configMap.name", "")
        yield "secrets", namespace, dig(volume, "secret.secretName", "")
        if claim := dig(volume, "persistentVolumeClaim.claimName", ""):
            yield "persistentvolumeclaims", namespace, claim
            found = store.get(("", "persistentvolumeclaims"), namespace, claim)
            yield "persistentvolumes", "", dig(found, "spec.volumeName", "")


def admit(user: User, resource: Resource, operation: str, old: Obj | None, new: Obj | None) -> None:
    """403 where a kubelet's write, allowed by its verb, is about another node. operation: create, update or delete."""
    obj = old or new
    if not user.node or resource.group or obj is None:
        return
    why = ""
    if resource.kind == "Pod":
        why = _not_its_pod(user.node, obj, operation)
    elif resource.kind == "Node":
        why = _not_its_node(user.node, old, new, name_of(obj))
    if why:
        raise forbidden("", resource.plural, name_of(obj), why)


def _not_its_pod(node: str, pod: Obj, operation: str) -> str:
    if operation == "create" and MIRROR not in annotations_of(pod):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if dig(pod, "spec.nodeName") == node:
        return ""
    what = "update pod status for" if operation == "update" else operation
    return f'node "{node}" can only {what} pods with spec.nodeName set to itself'


def _not_its_node(node: str, old: Obj | None, new: Obj | None, name: str) -> str:
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    before, after = labels_of(old or {}), labels_of(new or {})
    changed = {key for key in (*before, *after) if before.get(key) != after.get(key)}
    kept_from_it = ", ".join(sorted(filter(_is_kept_from_kubelets, changed)))
    if kept_from_it and old is None:
        return f'node "{node}" is not allowed to set the following labels: {kept_from_it}'
    if kept_from_it:
        return f"is not allowed to modify labels: {kept_from_it}"
    if old and dig(old, "spec.taints", []) != dig(new, "spec.taints", []):
        return f'node "{node}" is not allowed to modify taints'
    return ""


def _is_kept_from_kubelets(label: str) -> bool:
    prefix = label.rpartition("/")[0]
    kubernetes = any(prefix == one or prefix.endswith("." + one) for one in ("kubernetes.io", "k8s.io"))
    own = label in NODE_LABELS or any(prefix == one or prefix.endswith("." + one) for one in KUBELETS_LABELS)
    return kubernetes and not own
