"""A container's command and environment: literal values, fields of the pod, ConfigMaps, Secrets, $(NAME) expanded."""

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
    namespace = pod["metadata"]["namespace"]
    for source in container.get("envFrom") or []:
        result |= _from(source, namespace, fetch)
    for variable in container.get("env") or []:
        value = _value(variable, pod, container, fetch, facts)
        if value is not None:
            result[variable["name"]] = expanded(value, result)
    return result


def _value(variable: Object, pod: Object, container: Object, fetch: Fetch, facts: Object) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"], facts)
    if "resourceFieldRef" in source:
        return resource(container, source["resourceFieldRef"]["resource"])
    kind, key = ("configmaps", "configMapKeyRef") if "configMapKeyRef" in source else ("secrets", "secretKeyRef")
    reference = source[key]
    data = _data(kind, pod["metadata"]["namespace"], reference, fetch)
    if data is None:
        return None
    if reference["key"] not in data:
        if reference.get("optional"):
            return None
        noun = "ConfigMap" if kind == "configmaps" else "Secret"
        place = f"{pod['metadata']['namespace']}/{reference['name']}"
        raise ContainerConfigError(f"couldn't find key {reference['key']} in {noun} {place}")
    return data[reference["key"]].decode()


def _from(source: Object, namespace: str, fetch: Fetch) -> dict[str, str]:
    kind, reference = (
        ("configmaps", source["configMapRef"]) if "configMapRef" in source else ("secrets", source["secretRef"])
    )
    data = _data(kind, namespace, reference, fetch) or {}
    return {source.get("prefix", "") + key: value.decode() for key, value in data.items()}


def _data(kind: str, namespace: str, reference: Object, fetch: Fetch) -> dict[str, bytes] | None:
    """The contents of a ConfigMap or Secret; None when it is optional and not there."""
    try:
        return contents(fetch(kind, namespace, reference["name"]))
    except LookupError:
        if reference.get("optional"):
            return None
        noun = kind.removesuffix("s")
        raise ContainerConfigError(f'{noun} "{reference["name"]}" not found') from None


def contents(body: Object) -> dict[str, bytes]:
    """The keys of a ConfigMap or Secret with their values as bytes."""
    if body.get("kind") == "Secret" or "type" in body:
        return {key: base64.b64decode(value) for key, value in (body.get("data") or {}).items()}
    text = {key: value.encode() for key, value in (body.get("data") or {}).items()}
    return text | {key: base64.b64decode(value) for key, value in (body.get("binaryData") or {}).items()}


def field(pod: Object, path: str, facts: Object) -> str:
    """What the downward API gives for one fieldPath."""
    metadata = pod["metadata"]
    match = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if match:
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        entries = metadata.get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(entries.items()))
    known = {
        "metadata.name": metadata["name"], "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": facts["nodeName"], "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": facts["podIP"], "status.podIPs": facts["podIP"],
        "status.hostIP": facts["hostIP"], "status.hostIPs": facts["hostIP"],
    }  # fmt: skip
    if path not in known:
        raise ContainerConfigError(f"unsupported fieldPath: {path}")
    return str(known[path])


def resource(container: Object, name: str) -> str:
    """A limit or request of the container as it was written; the real kubelet divides it by a divisor."""
    section, _, key = name.partition(".")
    return str(((container.get("resources") or {}).get(section) or {}).get(key, "0"))


def expanded(text: str, values: dict[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$` by one dollar sign; anything else stays as it is."""
    return REFERENCE.sub(lambda match: "$" if match[1] == "$" else values.get(match[2], match[0]), text)


def command(container: Object, image: Path, values: dict[str, str]) -> list[str]:
    """What is executed: the container's command and args, or the image's own program with args."""
    words = list(container.get("command") or [f"{IMAGES}/{image.name}/run"]) + list(container.get("args") or [])
    return [expanded(str(word), values) for word in words]
