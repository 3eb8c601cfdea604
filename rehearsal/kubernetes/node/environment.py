"""A container's command and environment: literal values, fields of the pod, keys of ConfigMaps, $(NAME) expanded."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .paths import IMAGES

Object = dict[str, Any]
Fetch = Callable[[str, str, str], Object]  # kind ("configmaps"), namespace, name -> the object
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_][A-Za-z0-9_.-]*)\))")


class ContainerConfigError(Exception):
    """CreateContainerConfigError: something that the container's environment names is not there."""


def environment(pod: Object, container: Object, service: str | None, fetch: Fetch, facts: Object) -> dict[str, str]:
    """All variables of a container. `service` is host:port of the Service default/kubernetes; `facts` has what the node
    adds to the pod (podIP, hostIP, nodeName). Raises ContainerConfigError."""
    result = {"PATH": PATH, "HOSTNAME": facts["hostname"], "HOME": "/root"}
    if service:
        host, _, port = service.rpartition(":")
        result |= {
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "KUBERNETES_SERVICE_PORT_HTTPS": port,
            "KUBERNETES_PORT": f"tcp://{host}:{port}",
        }
    for variable in container.get("env") or []:
        result[variable["name"]] = expanded(_value(variable, pod, fetch, facts), result)
    return result


def _value(variable: Object, pod: Object, fetch: Fetch, facts: Object) -> str:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"], facts)
    reference, namespace = source["configMapKeyRef"], pod["metadata"]["namespace"]
    try:
        data = contents(fetch("configmaps", namespace, reference["name"]))
    except LookupError:
        raise ContainerConfigError(f'configmap "{reference["name"]}" not found') from None
    if reference["key"] not in data:
        place = f"{namespace}/{reference['name']}"
        raise ContainerConfigError(f"couldn't find key {reference['key']} in ConfigMap {place}")
    return data[reference["key"]].decode()


def contents(body: Object) -> dict[str, bytes]:
    """The keys of a ConfigMap or Secret with their values as bytes."""
    if body.get("kind") == "Secret" or "type" in body:
        return {key: base64.b64decode(value) for key, value in (body.get("data") or {}).items()}
    return {key: value.encode() for key, value in (body.get("data") or {}).items()}


def field(pod: Object, path: str, facts: Object) -> str:
    """What the downward API gives for one fieldPath."""
    metadata = pod["metadata"]
    known = {
        "metadata.name": metadata["name"], "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": facts["nodeName"], "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": facts["podIP"], "status.podIPs": facts["podIP"],
        "status.hostIP": facts["hostIP"], "status.hostIPs": facts["hostIP"],
    }  # fmt: skip
    if path not in known:
        raise ContainerConfigError(f"unsupported fieldPath (the stand-in knows {', '.join(known)}): {path}")
    return str(known[path])


def expanded(text: str, values: dict[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$` by one dollar sign; anything else stays as it is."""
    return REFERENCE.sub(lambda match: "$" if match[1] == "$" else values.get(match[2], match[0]), text)


def command(container: Object, image: Path, values: dict[str, str]) -> list[str]:
    """What is executed: the container's command and args, or the image's own program with args."""
    words = list(container.get("command") or [f"{IMAGES}/{image.name}/run"]) + list(container.get("args") or [])
    return [expanded(str(word), values) for word in words]
