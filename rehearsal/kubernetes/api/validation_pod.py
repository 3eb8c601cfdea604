"""What a pod's spec must hold. Stands in for ValidatePodSpec of k8s.io/kubernetes/pkg/apis/core/validation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .errors import Cause, bad_value, duplicate, required, unsupported
from .objects import Obj

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_HINT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
RESTART = ["Always", "OnFailure", "Never"]
PULL = ["Always", "IfNotPresent", "Never"]
HIGHEST_PORT = 65535


def pod_spec(spec: Obj, path: str, *, always_restart: bool = False) -> Iterator[Cause]:
    """The problems of a pod's spec. always_restart: templates of workloads allow no other restart policy."""
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    names: set[str] = set()
    volumes = {one.get("name") for one in spec.get("volumes") or []}
    for list_name in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(list_name) or []):
            yield from _container(container, f"{path}.{list_name}[{number}]", names, volumes)
    policy, allowed = spec.get("restartPolicy", "Always"), ["Always"] if always_restart else RESTART
    if policy not in allowed:
        yield unsupported(f"{path}.restartPolicy", policy, allowed)
    yield from _volumes(spec.get("volumes") or [], f"{path}.volumes")
    yield from _tolerations(spec.get("tolerations") or [], f"{path}.tolerations")
    yield from _spread(spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints")


def _container(container: Obj, path: str, names: set[str], volumes: set[str | None]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{path}.name")
    elif not DNS_LABEL.fullmatch(name):
        yield bad_value(f"{path}.name", name, LABEL_HINT)
    elif name in names:
        yield duplicate(f"{path}.name", name)
    names.add(name or "")
    if not container.get("image"):
        yield required(f"{path}.image")
    if (policy := container.get("imagePullPolicy", "Always")) not in PULL:
        yield unsupported(f"{path}.imagePullPolicy", policy, PULL)
    yield from _container_lists(container, path, volumes)


def _container_lists(container: Obj, path: str, volumes: set[str | None]) -> Iterator[Cause]:
    for number, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            found = f"{path}.volumeMounts[{number}].name"
            yield Cause("FieldValueNotFound", found, f'Not found: "{mount.get("name", "")}"')
        if not mount.get("mountPath"):
            yield required(f"{path}.volumeMounts[{number}].mountPath")
    for number, port in enumerate(container.get("ports") or []):
        if not _is_port(port.get("containerPort")):
            where = f"{path}.ports[{number}].containerPort"
            yield bad_value(where, port.get("containerPort", 0), "must be between 1 and 65535, inclusive")
    for number, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield required(f"{path}.env[{number}].name")


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= HIGHEST_PORT


def _volumes(volumes: list[Obj], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, volume in enumerate(volumes):
        name = volume.get("name", "")
        if not name:
            yield required(f"{path}[{number}].name")
        elif name in seen:
            yield duplicate(f"{path}[{number}].name", name)
        seen.add(name)
        if len(volume) > 2:  # the name and one source
            yield Cause(
                "FieldValueForbidden", f"{path}[{number}]", "Forbidden: may not specify more than 1 volume type"
            )


def _tolerations(tolerations: list[Obj], path: str) -> Iterator[Cause]:
    for number, one in enumerate(tolerations):
        operator = one.get("operator", "Equal")
        if operator not in ("Equal", "Exists", "Lt", "Gt"):
            yield unsupported(f"{path}[{number}].operator", operator, ["Equal", "Exists"])
        if not one.get("key") and operator != "Exists":
            hint = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield bad_value(f"{path}[{number}].operator", operator, hint)


def _spread(constraints: list[Obj], path: str) -> Iterator[Cause]:
    for number, one in enumerate(constraints):
        if not isinstance(one.get("maxSkew"), int) or one["maxSkew"] < 1:
            yield bad_value(f"{path}[{number}].maxSkew", one.get("maxSkew", 0), "must be greater than zero")
        if not one.get("topologyKey"):
            yield required(f"{path}[{number}].topologyKey", "can not be empty")
        action = one.get("whenUnsatisfiable", "")
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            yield unsupported(f"{path}[{number}].whenUnsatisfiable", action, ["DoNotSchedule", "ScheduleAnyway"])
