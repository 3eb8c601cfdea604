"""Namespaces: what each one is given, and how one ends.

Stands in for pkg/controller/{namespace,serviceaccount} and the root CA publisher.
"""

from __future__ import annotations

from pathlib import Path

from ..objects import Obj, dig, is_deleting, name_of
from ..paths import CORE, collection
from .cluster import Cluster, unless_gone, unless_there

AGAIN_S = 0.5


class Namespaces:
    """Gives every namespace its ServiceAccount `default` and the cluster's CA; empties those that are deleted."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("namespaces", self._reconcile)
        self._namespaces = cluster.on_change("namespaces", self._queue, lambda one: [name_of(one)])
        self._accounts = cluster.on_change("serviceaccounts", self._queue, lambda one: [one["metadata"]["namespace"]])
        self._maps = cluster.on_change("configmaps", self._queue, lambda one: [one["metadata"]["namespace"]])

    def _reconcile(self, name: str) -> None:
        namespace = self._namespaces.get("", name)
        if namespace is None:
            return
        if is_deleting(namespace):
            self._end(namespace)
        else:
            self._equip(name)

    def _equip(self, name: str) -> None:
        client = self._cluster.client
        if self._accounts.get(name, "default") is None:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
            unless_there(lambda: client.create(f"{CORE}/namespaces/{name}/serviceaccounts", account))
        authority = self._cluster.flags.path("root-ca-file")
        if authority and self._maps.get(name, "kube-root-ca.crt") is None:
            made = _ca_map(name, authority)
            unless_there(lambda: client.create(f"{CORE}/namespaces/{name}/configmaps", made))

    def _end(self, namespace: Obj) -> None:
        """Delete what is in it; when nothing is left, let it go."""
        name, client = name_of(namespace), self._cluster.client
        left = 0
        for path in self._collections(name):
            items = client.get(path)["items"]
            left += len(items)
            for item in items:
                if not is_deleting(item):
                    unless_gone(lambda one=item, base=path: client.delete(f"{base}/{name_of(one)}"))  # type: ignore[misc]
        if left:
            self._queue.add(name, AGAIN_S)
        elif dig(namespace, "spec.finalizers"):
            emptied = {**namespace, "spec": {**namespace["spec"], "finalizers": []}}
            emptied["metadata"] = {**namespace["metadata"], "resourceVersion": ""}
            unless_gone(lambda: client.update(f"{CORE}/namespaces/{name}/finalize", emptied))

    def _collections(self, name: str) -> list[str]:
        """The URLs of every namespaced kind, custom ones included."""
        kinds = self._cluster.client.discover()
        return [collection(version, kind["resource"], name) for version, kind in kinds if kind["scope"] == "Namespaced"]


def _ca_map(namespace: str, authority: Path) -> Obj:
    metadata = {
        "name": "kube-root-ca.crt",
        "namespace": namespace,
        "annotations": {
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver"
        },
    }
    data = {"ca.crt": authority.read_text(encoding="ascii")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
