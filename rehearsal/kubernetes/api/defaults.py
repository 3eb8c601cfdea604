"""The values that the API server fills into each kind of object, and the status that a new one starts with.

Stands in for the `SetDefaults_*` functions and the `PrepareForCreate` of the real registries.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from . import defaults_pod
from .objects import Obj, dig, meta, name_of, timestamp

QUARTER = {"maxUnavailable": "25%", "maxSurge": "25%"}
RBAC = "rbac.authorization.k8s.io"


def complete(obj: Obj) -> None:
    """Fill the defaults of the object's kind in place."""
    filler = _FILLERS.get(obj["kind"])
    if filler:
        filler(obj)


def first_status(obj: Obj) -> Obj | None:
    """What `status` a new object of this kind gets; None for kinds that keep or lack theirs."""
    kind = obj["kind"]
    if kind == "Pod":
        return {"phase": "Pending", "qosClass": defaults_pod.quality_class(obj["spec"])}
    if kind in ("PersistentVolume", "PersistentVolumeClaim"):
        return {"phase": "Pending"}
    if kind == "Namespace":
        return {"phase": "Active"}
    if kind == "Service":
        return {"loadBalancer": {}}
    if kind == "CustomResourceDefinition":
        return _definition_status(obj)
    return None if kind == "Node" else {}


def _fill(target: Obj, **values: object) -> None:
    for name, value in values.items():
        if target.get(name) is None:
            target[name] = value


def _spec(obj: Obj) -> Obj:
    found: Obj = obj.setdefault("spec", {})
    return found


def _template(obj: Obj) -> None:
    defaults_pod.pod_spec(_spec(obj).setdefault("template", {}).setdefault("spec", {}))


def _deployment(obj: Obj) -> None:
    spec = _spec(obj)
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    _fill(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        spec["strategy"]["rollingUpdate"] = QUARTER | (spec["strategy"].get("rollingUpdate") or {})
    _template(obj)


def _replica_set(obj: Obj) -> None:
    _fill(_spec(obj), replicas=1)
    _template(obj)


def _daemon_set(obj: Obj) -> None:
    spec = _spec(obj)
    _fill(spec, revisionHistoryLimit=10, updateStrategy={})
    _fill(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        given = spec["updateStrategy"].get("rollingUpdate") or {}
        spec["updateStrategy"]["rollingUpdate"] = {"maxSurge": 0, "maxUnavailable": 1} | given
    _template(obj)


def _service(obj: Obj) -> None:
    spec = _spec(obj)
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    _fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")
    for port in spec.get("ports") or []:
        _fill(port, protocol="TCP")
        if "port" in port:
            _fill(port, targetPort=port["port"])


def _secret(obj: Obj) -> None:
    _fill(obj, type="Opaque")
    text = obj.pop("stringData", None)
    if text:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _namespace(obj: Obj) -> None:
    _fill(_spec(obj), finalizers=["kubernetes"])
    meta(obj).setdefault("labels", {})["kubernetes.io/metadata.name"] = name_of(obj)


def _binding(obj: Obj) -> None:
    if isinstance(obj.get("roleRef"), dict):
        _fill(obj["roleRef"], apiGroup=RBAC)
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            _fill(subject, apiGroup=RBAC)


def _csi_driver(obj: Obj) -> None:
    _fill(
        _spec(obj),
        attachRequired=True,
        podInfoOnMount=False,
        volumeLifecycleModes=["Persistent"],
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        requiresRepublish=False,
        seLinuxMount=False,
    )


def _definition(obj: Obj) -> None:
    names = _spec(obj).get("names") or {}
    if "kind" in names:
        _fill(names, singular=names["kind"].lower(), listKind=names["kind"] + "List")
    _fill(_spec(obj), conversion={"strategy": "None"})


def _definition_status(obj: Obj) -> Obj:
    def holds(kind: str, reason: str, message: str) -> Obj:
        moment = timestamp()
        return {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": moment}

    stored = [one["name"] for one in dig(obj, "spec.versions", []) if one.get("storage")]
    return {
        "acceptedNames": obj["spec"]["names"],
        "storedVersions": stored,
        "conditions": [
            holds("NamesAccepted", "NoConflicts", "no conflicts found"),
            holds("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    }


_FILLERS: dict[str, Callable[[Obj], None]] = {
    "Pod": defaults_pod.pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "DaemonSet": _daemon_set,
    "Service": _service,
    "Secret": _secret,
    "Namespace": _namespace,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "CSIDriver": _csi_driver,
    "CustomResourceDefinition": _definition,
    "PersistentVolumeClaim": lambda obj: _fill(_spec(obj), volumeMode="Filesystem"),
    "PersistentVolume": lambda obj: _fill(_spec(obj), volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain"),
    "StorageClass": lambda obj: _fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate"),
    "PriorityClass": lambda obj: _fill(obj, preemptionPolicy="PreemptLowerPriority"),
}
