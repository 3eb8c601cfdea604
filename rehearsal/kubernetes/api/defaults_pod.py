"""The values that the API server fills into a pod's spec.

Stands in for k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from .objects import Obj

DEFAULT_MODE = 0o644
MODED_VOLUMES = ("configMap", "secret", "downwardAPI", "projected")


def pod_spec(spec: Obj) -> None:
    """Complete a pod's or a template's spec in place."""
    _fill(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
    for list_name in ("initContainers", "containers"):
        for container in spec.get(list_name) or []:
            _container(container, bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or []:
        _volume(volume)
    if "serviceAccountName" in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]


def pod(obj: Obj) -> None:
    """Complete a pod: its spec, and what only pods get."""
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    _fill(spec, enableServiceLinks=True)
    for list_name in ("initContainers", "containers"):
        for container in spec.get(list_name) or []:
            resources = container["resources"]
            if "limits" in resources:
                resources["requests"] = {**resources["limits"], **resources.get("requests", {})}


def _fill(target: Obj, **values: object) -> None:
    for name, value in values.items():
        target.setdefault(name, value)


def _container(container: Obj, on_host: bool) -> None:
    _fill(
        container,
        imagePullPolicy=pull_policy(container.get("image", "")),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    for port in container.get("ports") or []:
        _fill(port, protocol="TCP")
        if on_host and "containerPort" in port:
            _fill(port, hostPort=port["containerPort"])
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            _fill(reference, apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe := container.get(name):
            _probe(probe)


def pull_policy(image: str) -> str:
    """Always for `latest` and for no tag, else IfNotPresent."""
    last = image.rpartition("/")[2]
    if "@" in last:
        return "IfNotPresent"
    tag = last.partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _probe(probe: Obj) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if request := probe.get("httpGet"):
        _fill(request, path="/", scheme="HTTP")


def _volume(volume: Obj) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for kind in MODED_VOLUMES:
        if isinstance(volume.get(kind), dict):
            _fill(volume[kind], defaultMode=DEFAULT_MODE)
    if isinstance(volume.get("hostPath"), dict):
        _fill(volume["hostPath"], type="")


def quality_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort, from the containers' cpu and memory."""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    asked = [one.get("resources", {}) for one in containers]
    if not any(one.get("requests") or one.get("limits") for one in asked):
        return "BestEffort"
    limited = all({"cpu", "memory"} <= set(one.get("limits", {})) for one in asked)
    equal = all(one.get("requests", {}).get(k) == v for one in asked for k, v in one.get("limits", {}).items())
    return "Guaranteed" if limited and equal else "Burstable"
