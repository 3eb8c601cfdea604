"""What the API server adds or refuses when an object arrives, looking at other objects.

Stands in for the admission plugins NamespaceLifecycle, ServiceAccount, DefaultTolerationSeconds, Priority,
DefaultStorageClass, StorageObjectInUseProtection (left out), NodeRestriction and TaintNodesByCondition.
"""

from __future__ import annotations

from . import node_authorizer
from .allocation import Allocator
from .errors import ApiError, forbidden, not_found
from .identity import User
from .node_authorizer import MIRROR
from .objects import Obj, annotations_of, dig, is_deleting, name_of, namespace_of
from .resources import Resource
from .store import Store

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
NOT_READY = "node.kubernetes.io/not-ready"
EVICTED_AFTER_S = 300
EVICTING_TAINTS = (NOT_READY, "node.kubernetes.io/unreachable")
PERMANENT = ("default", "kube-system", "kube-public", "kube-node-lease")


class Admission:
    """The chain that a new or changed object goes through, before validation."""

    def __init__(self, store: Store, allocator: Allocator) -> None:
        self._store = store
        self._allocator = allocator

    def create(self, resource: Resource, obj: Obj, user: User) -> None:
        """Complete a new object in place, or refuse it."""
        if resource.namespaced:
            self._namespace_is_open(resource, obj)
        node_authorizer.admit(user, resource, "create", None, obj)
        match resource.kind:
            case "Pod":
                self._pod(obj)
            case "Node":
                _new_node(obj)
            case "Service":
                self._allocator.assign(obj)
            case "PersistentVolumeClaim":
                self._claim(obj)
            case "CertificateSigningRequest":
                obj["spec"] |= {"username": user.name, "groups": list(user.groups)}

    def update(self, resource: Resource, old: Obj, new: Obj) -> None:
        """Complete a changed object in place."""
        if resource.kind == "Service":
            if not new["spec"].get("clusterIP"):
                new["spec"]["clusterIP"] = old["spec"].get("clusterIP")
            _keep_node_ports(old, new)
            self._allocator.assign(new)

    def _namespace_is_open(self, resource: Resource, obj: Obj) -> None:
        name = namespace_of(obj)
        namespace = self._store.get(("", "namespaces"), "", name)
        if namespace is None:
            raise not_found("", "namespaces", name)
        if is_deleting(namespace):
            why = f"unable to create new content in namespace {name} because it is being terminated"
            raise forbidden(resource.group, resource.plural, name_of(obj), why)

    def _pod(self, pod: Obj) -> None:
        mirror = MIRROR in annotations_of(pod)
        spec = pod["spec"]
        if not mirror:
            account = spec.setdefault("serviceAccountName", "default")
            spec["serviceAccount"] = account
            if self._store.get(("", "serviceaccounts"), namespace_of(pod), account) is None:
                where = f'error looking up service account {namespace_of(pod)}/{account}: serviceaccount "{account}"'
                raise forbidden("", "pods", name_of(pod), f"{where} not found")
        self._priority(spec, name_of(pod))
        tolerate_failing_node(spec)

    def _priority(self, spec: Obj, pod_name: str) -> None:
        chosen = spec.get("priorityClassName")
        if not chosen:
            spec.setdefault("priority", 0)
        else:
            found = self._store.get(("scheduling.k8s.io", "priorityclasses"), "", chosen)
            if found is None:
                raise forbidden("", "pods", pod_name, f"no PriorityClass with name {chosen} was found")
            spec["priority"] = found["value"]
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def _claim(self, claim: Obj) -> None:
        if "storageClassName" in claim["spec"]:
            return
        classes = self._store.all(("storage.k8s.io", "storageclasses"))
        default = [one for one in classes if annotations_of(one).get(DEFAULT_CLASS) == "true"]
        if default:
            newest = max(default, key=lambda one: str(dig(one, "metadata.creationTimestamp")))
            claim["spec"]["storageClassName"] = name_of(newest)


def tolerate_failing_node(spec: Obj) -> None:
    """Let a pod stay five minutes on a node that fails, unless it says otherwise."""
    tolerations = spec.setdefault("tolerations", [])
    for key in EVICTING_TAINTS:
        if not any(one.get("key", key) == key and one.get("effect", "NoExecute") == "NoExecute" for one in tolerations):
            wanted = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": EVICTED_AFTER_S}
            tolerations.append(wanted)


def _new_node(node: Obj) -> None:
    taints = node.setdefault("spec", {}).setdefault("taints", [])
    if not any(taint.get("key") == NOT_READY for taint in taints):
        taints.append({"key": NOT_READY, "effect": "NoSchedule"})


def _keep_node_ports(old: Obj, new: Obj) -> None:
    held = {(port["port"], port.get("protocol")): port.get("nodePort") for port in old["spec"].get("ports") or []}
    for port in new["spec"].get("ports") or []:
        kept = held.get((port.get("port"), port.get("protocol")))
        if kept and not port.get("nodePort"):
            port["nodePort"] = kept


def guard_namespace(resource: Resource, name: str) -> None:
    """403 for the deletion of a namespace that the cluster needs."""
    if resource.kind == "Namespace" and name in PERMANENT[:3]:
        raise ApiError(403, "Forbidden", f'namespaces "{name}" is forbidden: this namespace may not be deleted')
