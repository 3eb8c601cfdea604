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
VARIABLES = ("configMapKeyRef", "fieldRef")


def check(obj: Obj) -> None:
    """501 that names what a pod, or the template of a workload, asks for in vain."""
    template = dig(obj, "spec.template")
    if obj["kind"] != "Pod" and not template:
        return
    found = [*_of_pod(obj["spec"] if template is None else template.get("spec") or {})]
    if dig(obj, "spec.minReadySeconds"):
        found.append("minReadySeconds")
    if found:
        raise not_served(", ".join(found))


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
