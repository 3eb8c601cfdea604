"""What the API server says of a node, typed: every reader of nodes takes it from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLE_LABEL = "node-role.kubernetes.io/"


@dataclass(frozen=True)
class NodeFacts:
    """A Node object.

    `ready` is the status of its condition Ready in the API's words: "True", "False", "Unknown", or "" where the node
    does not have the condition; `reason` is what it says of it. `roles` as labelled, sorted. An address or a version
    that is not there is "".
    """

    name: str
    ready: str
    reason: str
    roles: tuple[str, ...]
    internal_address: str
    kubelet: str

    @property
    def is_ready(self) -> bool:
        return self.ready == "True"

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> NodeFacts:
        """From a Node as `kubectl get --output=json` prints it."""
        metadata, status = node["metadata"], node.get("status", {})  # one that somebody made by hand has none
        ready = _named(status.get("conditions"), "Ready")
        labels = metadata.get("labels") or {}
        return cls(
            name=metadata["name"],
            ready=ready.get("status", ""),
            reason=ready.get("message") or ready.get("reason", ""),
            roles=tuple(sorted(label.removeprefix(ROLE_LABEL) for label in labels if label.startswith(ROLE_LABEL))),
            internal_address=_named(status.get("addresses"), "InternalIP").get("address", ""),
            kubelet=status.get("nodeInfo", {}).get("kubeletVersion", ""),
        )


def nodes(listed: Mapping[str, Any]) -> list[NodeFacts]:
    """The nodes of a NodeList, in its order."""
    return [NodeFacts.of(item) for item in listed["items"]]


def _named(items: list[Mapping[str, str]] | None, kind: str) -> Mapping[str, str]:
    """The item of that type; {} where there is none."""
    return next((item for item in items or () if item["type"] == kind), {})
