"""The columns of nodes, services, storage and the other kinds that are no workload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ages import age
from .objects import Obj, annotations_of, condition, dig, labels_of, name_of

NONE, UNKNOWN = "<none>", "<unknown>"
ROLE = "node-role.kubernetes.io/"
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


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
    external = spec.get("externalName") or ",".join(outside_addresses)
    if not external:
        external = "<pending>" if spec.get("type") == "LoadBalancer" else NONE
    chosen = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    address = spec.get("clusterIP") or NONE
    return [name_of(obj), spec.get("type"), address, external, ",".join(shown) or NONE, age(obj), chosen or NONE]


def endpoints(obj: Obj) -> list[Any]:
    shown = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or []
    ]
    more = f" + {len(shown) - 3} more..." if len(shown) > 3 else ""
    return [name_of(obj), (",".join(shown[:3]) + more) or NONE, age(obj)]


def endpoint_slice(obj: Obj) -> list[Any]:
    ports = ",".join(str(port.get("port")) for port in obj.get("ports") or []) or "<unset>"
    addresses = [one for point in obj.get("endpoints") or [] for one in point.get("addresses", [])]
    more = f" + {len(addresses) - 3} more..." if len(addresses) > 3 else ""
    return [name_of(obj), obj.get("addressType"), ports, (",".join(addresses[:3]) + more) or "<unset>", age(obj)]


def _modes(modes: list[str] | None) -> str:
    return ",".join(MODES.get(mode, mode) for mode in modes or [])


def claim(obj: Obj) -> list[Any]:
    phase = "Terminating" if dig(obj, "metadata.deletionTimestamp") else dig(obj, "status.phase", "")
    bound = bool(dig(obj, "spec.volumeName"))
    return [
        name_of(obj),
        phase,
        dig(obj, "spec.volumeName", ""),
        dig(obj, "status.capacity.storage", "") if bound else "",
        _modes(dig(obj, "status.accessModes")) if bound else "",
        dig(obj, "spec.storageClassName", ""),
        dig(obj, "spec.volumeAttributesClassName", "<unset>"),
        age(obj),
        dig(obj, "spec.volumeMode", "<unset>"),
    ]


def volume(obj: Obj) -> list[Any]:
    phase = "Terminating" if dig(obj, "metadata.deletionTimestamp") else dig(obj, "status.phase", "")
    reference = dig(obj, "spec.claimRef", {})
    return [
        name_of(obj),
        dig(obj, "spec.capacity.storage", ""),
        _modes(dig(obj, "spec.accessModes")),
        dig(obj, "spec.persistentVolumeReclaimPolicy", ""),
        phase,
        f"{reference.get('namespace')}/{reference.get('name')}" if reference else "",
        dig(obj, "spec.storageClassName", ""),
        dig(obj, "spec.volumeAttributesClassName", "<unset>"),
        dig(obj, "status.reason", ""),
        age(obj),
        dig(obj, "spec.volumeMode", "<unset>"),
    ]


def storage_class(obj: Obj) -> list[Any]:
    default = annotations_of(obj).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        name_of(obj) + (" (default)" if default else ""),
        obj.get("provisioner"),
        obj.get("reclaimPolicy"),
        obj.get("volumeBindingMode"),
        "true" if obj.get("allowVolumeExpansion") else "false",
        age(obj),
    ]


def event(obj: Obj) -> list[Any]:
    involved = obj.get("involvedObject", {})
    about = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    source = ", ".join(part for part in (dig(obj, "source.component", ""), dig(obj, "source.host", "")) if part)
    last = "lastTimestamp" if obj.get("lastTimestamp") else "metadata.creationTimestamp"
    first = "firstTimestamp" if obj.get("firstTimestamp") else last
    return [
        age(obj, last),
        obj.get("type", ""),
        obj.get("reason", ""),
        about,
        str(obj.get("message", "")).strip(),
        involved.get("fieldPath", ""),
        source,
        age(obj, first),
        obj.get("count", 1),
        name_of(obj),
    ]


def signing_request(obj: Obj) -> list[Any]:
    kinds = {one["type"] for one in dig(obj, "status.conditions", [])}
    shown = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    if "Failed" in kinds:
        shown += ",Failed"
    if dig(obj, "status.certificate"):
        shown += ",Issued"
    spec = obj["spec"]
    lasting = f"{spec['expirationSeconds']}s" if spec.get("expirationSeconds") else NONE
    return [name_of(obj), age(obj), spec.get("signerName"), spec.get("username", ""), lasting, shown]


def disruption_budget(obj: Obj) -> list[Any]:
    spec, none = obj["spec"], "N/A"
    allowed = dig(obj, "status.disruptionsAllowed", none)
    return [name_of(obj), str(spec.get("minAvailable", none)), str(spec.get("maxUnavailable", none)), allowed, age(obj)]


def _count(path: str) -> Callable[[Obj], list[Any]]:
    return lambda obj: [name_of(obj), len(dig(obj, path, {}) or {}), age(obj)]


def secret(obj: Obj) -> list[Any]:
    return [name_of(obj), obj.get("type"), len(obj.get("data") or {}), age(obj)]


def role_binding(obj: Obj) -> list[Any]:
    return [name_of(obj), f"{dig(obj, 'roleRef.kind')}/{dig(obj, 'roleRef.name')}", age(obj)]


def csi_driver(obj: Obj) -> list[Any]:
    spec = obj.get("spec", {})
    words = [str(bool(spec.get(name))).lower() for name in ("attachRequired", "podInfoOnMount", "storageCapacity")]
    tokens = ",".join(one.get("audience", "") for one in spec.get("tokenRequests") or []) or "<unset>"
    requires = str(bool(spec.get("requiresRepublish"))).lower()
    return [name_of(obj), *words, tokens, requires, ",".join(spec.get("volumeLifecycleModes") or []), age(obj)]


Cells = Callable[[Obj], list[Any]]
LAYOUTS: dict[str, tuple[str, str, Cells]] = {
    "Node": (
        "Name|Status|Roles|Age|Version",
        "Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime",
        node,
    ),
    "Service": ("Name|Type|Cluster-IP|External-IP|Port(s)|Age", "Selector", service),
    "Endpoints": ("Name|Endpoints|Age", "", endpoints),
    "EndpointSlice": ("Name|AddressType|Ports|Endpoints|Age", "", endpoint_slice),
    "PersistentVolumeClaim": (
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age",
        "VolumeMode",
        claim,
    ),
    "PersistentVolume": (
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age",
        "VolumeMode",
        volume,
    ),
    "StorageClass": ("Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", "", storage_class),
    "Namespace": (
        "Name|Status|Age",
        "",
        lambda obj: [name_of(obj), dig(obj, "status.phase", "Active"), age(obj)],
    ),
    "Event": ("Last Seen|Type|Reason|Object|Message", "Subobject|Source|First Seen|Count|Name", event),
    "CertificateSigningRequest": ("Name|Age|SignerName|Requestor|RequestedDuration|Condition", "", signing_request),
    "ConfigMap": ("Name|Data|Age", "", _count("data")),
    "Secret": ("Name|Type|Data|Age", "", secret),
    "ServiceAccount": ("Name|Age", "", lambda obj: [name_of(obj), age(obj)]),
    "Lease": ("Name|Holder|Age", "", lambda obj: [name_of(obj), dig(obj, "spec.holderIdentity", ""), age(obj)]),
    "ClusterRole": ("Name|Created At", "", lambda obj: [name_of(obj), dig(obj, "metadata.creationTimestamp")]),
    "Role": ("Name|Created At", "", lambda obj: [name_of(obj), dig(obj, "metadata.creationTimestamp")]),
    "ClusterRoleBinding": ("Name|Role|Age", "", role_binding),
    "RoleBinding": ("Name|Role|Age", "", role_binding),
    "CSIDriver": (
        "Name|AttachRequired|PodInfoOnMount|StorageCapacity|TokenRequests|RequiresRepublish|Modes|Age",
        "",
        csi_driver,
    ),
    "CSINode": ("Name|Drivers|Age", "", _count("spec.drivers")),
    "PodDisruptionBudget": (
        "Name|Min Available|Max Unavailable|Allowed Disruptions|Age",
        "",
        disruption_budget,
    ),
    "PriorityClass": (
        "Name|Value|Global-Default|Age|PreemptionPolicy",
        "",
        lambda obj: [
            name_of(obj),
            obj.get("value", 0),
            str(bool(obj.get("globalDefault"))).lower(),
            age(obj),
            obj.get("preemptionPolicy", ""),
        ],
    ),
    "CustomResourceDefinition": (
        "Name|Created At",
        "",
        lambda obj: [name_of(obj), dig(obj, "metadata.creationTimestamp")],
    ),
}
