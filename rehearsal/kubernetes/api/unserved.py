"""Fields that a real cluster acts on and the stand-ins do not: refused where they are written, never passed over."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import not_served
from .objects import Obj, dig

POD = """activeDeadlineSeconds affinity.podAffinity affinity.podAntiAffinity dnsConfig ephemeralContainers hostAliases
    hostname runtimeClassName securityContext.runAsGroup securityContext.runAsUser shareProcessNamespace subdomain"""
CONTAINER = """envFrom lifecycle livenessProbe.grpc livenessProbe.tcpSocket readinessProbe.grpc readinessProbe.tcpSocket
    securityContext.runAsGroup securityContext.runAsUser startupProbe.grpc startupProbe.tcpSocket workingDir"""
VOLUMES = ("configMap", "emptyDir", "hostPath", "persistentVolumeClaim", "secret")
SERVICE = {"sessionAffinity": "None", "externalTrafficPolicy": "Cluster", "externalName": None, "loadBalancerIP": None}
# With the value that asks for nothing: a definition's schema fills it in.
FIELDS: dict[str, dict[str, object]] = {
    "Deployment": {"minReadySeconds": None},
    "ReplicaSet": {"minReadySeconds": None},
    "DaemonSet": {"minReadySeconds": None},
    "IPAddressPool": {"autoAssign": True, "avoidBuggyIPs": False},
    "L2Advertisement": {"nodeSelectors": None},
}
VARIABLES = ("configMapKeyRef", "fieldRef")


def check(obj: Obj) -> None:
    """501 that names what an object asks for in vain: a pod, the template of a workload, a Service, a policy."""
    template, spec = dig(obj, "spec.template"), obj.get("spec") or {}
    found: list[str] = []
    if obj["kind"] == "Pod" or template:
        found += _of_pod(spec if template is None else template.get("spec") or {})
    if obj["kind"] == "NetworkPolicy":
        found += _of_policy(spec)
    if obj["kind"] == "Service":
        found += [f"{path} {dig(spec, path)}" for path, usual in SERVICE.items() if dig(spec, path, usual) != usual]
        found += ["headless Services"] if spec.get("clusterIP") == "None" else []
    fields = FIELDS.get(obj["kind"], {})
    found += [path for path, usual in fields.items() if path in spec and spec[path] != usual]
    if found:
        raise not_served(", ".join(found))


def _of_policy(spec: Obj) -> Iterator[str]:
    """Only pods of the policy's own namespace, by their labels, are let in."""
    if "egress" in spec or "Egress" in (spec.get("policyTypes") or []):
        yield "egress"
    peers = [peer for rule in spec.get("ingress") or [] for peer in rule.get("from") or []]
    if any("ports" in rule or not rule.get("from") for rule in spec.get("ingress") or []):
        yield "ingress by ports, or from everywhere"
    if any(peer.keys() - {"podSelector"} for peer in peers):
        yield "ingress from namespaces or ranges"
    if any(
        (one or {}).get("matchExpressions") for one in (spec["podSelector"], *(p.get("podSelector") for p in peers))
    ):
        yield "podSelector.matchExpressions"


def _of_pod(spec: Obj) -> Iterator[str]:
    yield from (path for path in POD.split() if dig(spec, path))
    for volume in spec.get("volumes") or []:
        yield from (f"volumes of {kind}" for kind in volume if kind not in ("name", *VOLUMES))
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy"):
            yield "initContainers.restartPolicy"
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        yield from _of_container(container)


def _of_container(container: Obj) -> Iterator[str]:
    yield from (path for path in CONTAINER.split() if dig(container, path))
    for mount in container.get("volumeMounts") or []:
        yield from (name for name in ("subPath", "subPathExpr") if mount.get(name))
    for variable in container.get("env") or []:
        yield from (f"env from {kind}" for kind in variable.get("valueFrom") or {} if kind not in VARIABLES)
