"""The pods that verification starts: a script in a container, on the node that it is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAGE = "/usr/share/nginx/html"
NAME_MY_NODE = f"echo $NODE_NAME > {PAGE}/index.html"  # in nginx's image: each answer tells where it comes from
SERVE = "exec nginx -g 'daemon off;'"


def container(name: str, image: str, script: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A container that runs `script`, with the name of its node as NODE_NAME and what `environment` gives."""
    node = {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    given = [{"name": key, "value": value} for key, value in (environment or {}).items()]
    return {"name": name, "image": image, "command": ["/bin/sh", "-c", script], "env": [node, *given]}


def once(node: str, one: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod of one container, which gives it its name, on `node`; never started again. `spec` adds to its own."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": one["name"], "labels": {"app": one["name"]}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 1,
            "containers": [one],
            **spec,
        },
    }
