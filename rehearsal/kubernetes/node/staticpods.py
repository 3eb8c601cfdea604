"""Static pods: manifests in a folder of the machine, and their mirrors in the API so that others can see them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from . import log
from .api import ApiError
from .context import Node
from .paths import real

Object = dict[str, Any]
MIRROR, SOURCE, HASH = "kubernetes.io/config.mirror", "kubernetes.io/config.source", "kubernetes.io/config.hash"


def read(folder: str, node_name: str) -> list[Object]:
    """The pods that the folder's files describe, each with a uid that follows from its content."""
    place = real(folder)
    files = sorted(place.iterdir()) if place.is_dir() else []
    pods = [
        _pod(file, node_name)
        for file in files
        if file.suffix in (".yaml", ".yml", ".json") and not file.name.startswith(".")
    ]
    return [pod for pod in pods if pod]


def _pod(file: Path, node_name: str) -> Object | None:
    try:
        text = file.read_bytes()
        pod = yaml.safe_load(text)
        if pod["kind"] != "Pod" or not pod["spec"]["containers"]:
            raise ValueError(f"not a Pod but a {pod['kind']}")
        metadata = dict(pod["metadata"])
        digest = hashlib.md5(node_name.encode() + text, usedforsecurity=False).hexdigest()
        name = f"{metadata['name']}-{node_name}"
        annotations = {**(metadata.get("annotations") or {}), SOURCE: "file", HASH: digest}
        metadata |= {
            "uid": digest,
            "name": name,
            "namespace": metadata.get("namespace", "default"),
            "annotations": annotations,
        }
        tolerations = [{"operator": "Exists", "effect": "NoExecute"}]
        spec = {**pod["spec"], "nodeName": node_name, "tolerations": tolerations, "restartPolicy": "Always"}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        log.error("Could not process manifest file", path=file, err=error)
        return None


def mirror(pod: Object, node: Object) -> Object:
    """What the API is shown of a static pod; it belongs to its Node and goes with it."""
    metadata = {key: value for key, value in pod["metadata"].items() if key != "uid"}
    metadata["annotations"] = {**metadata["annotations"], MIRROR: pod["metadata"]["uid"]}
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": node["metadata"]["name"],
        "uid": node["metadata"]["uid"],
        "controller": True,
    }
    metadata["ownerReferences"] = [owner]
    return {**pod, "metadata": metadata}


def reconcile_mirrors(node: Node, static: list[Object], mirrors: list[Object]) -> bool:
    """Make missing mirrors, remove those of files that are gone or were changed. True when something was done."""
    api, changed = node.client(), False
    wanted = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in static}
    present = {}
    for found in mirrors:
        key = (found["metadata"]["namespace"], found["metadata"]["name"])
        pod = wanted.get(key)
        stale = pod is None or found["metadata"]["annotations"][MIRROR] != pod["metadata"]["uid"]
        if stale or found["metadata"].get("deletionTimestamp"):
            changed = True
            _delete(node, key)
        else:
            present[key] = found
    for key, pod in wanted.items():
        if key not in present:
            changed = True
            owner = api.get(f"/api/v1/nodes/{node.name}")
            try:
                api.create(f"/api/v1/namespaces/{key[0]}/pods", mirror(pod, owner))
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
    return changed


def _delete(node: Node, key: tuple[str, str]) -> None:
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
    try:
        node.client().delete(f"/api/v1/namespaces/{key[0]}/pods/{key[1]}", body)
    except ApiError as error:
        if error.status != 404:
            raise
