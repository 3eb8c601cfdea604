"""PersistentVolumes and claims: ask the external provisioner, then bind.

Stands in for pkg/controller/volume/persistentvolume.
"""

from __future__ import annotations

from ..objects import Obj, annotations_of, dig, is_deleting, name_of, namespace_of, uid_of
from ..paths import CORE, path_of
from ..quantities import quantity
from .cluster import Cluster, unless_gone
from .queue import split_key

PROVISIONER = "volume.kubernetes.io/storage-provisioner"
OLD_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY = "pv.kubernetes.io/bound-by-controller"
LATE = "WaitForFirstConsumer"


class Volumes:
    """Binds claims to volumes, one for one. A claim's key is NAMESPACE/NAME, a volume's is /NAME."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("volumes", self._reconcile)
        self._claims = cluster.on_change("persistentvolumeclaims", self._queue, self._claim_keys)
        self._volumes = cluster.on_change("persistentvolumes", self._queue, self._volume_keys)
        self._classes = cluster.on_change("storageclasses", self._queue, lambda _: self._pending())

    def _pending(self) -> list[str]:
        waiting = (one for one in self._claims.all() if not dig(one, "spec.volumeName"))
        return [f"{namespace_of(one)}/{name_of(one)}" for one in waiting]

    def _claim_keys(self, claim: Obj) -> list[str]:
        volume = dig(claim, "spec.volumeName")
        return [f"{namespace_of(claim)}/{name_of(claim)}", *([f"/{volume}"] if volume else [])]

    def _volume_keys(self, volume: Obj) -> list[str]:
        reference = dig(volume, "spec.claimRef")
        claims = [f"{reference['namespace']}/{reference['name']}"] if reference else self._pending()
        return [f"/{name_of(volume)}", *claims]

    def _reconcile(self, key: str) -> None:
        namespace, name = split_key(key)
        if not namespace:
            self._volume(name)
            return
        claim = self._cluster.client.find(f"{CORE}/namespaces/{namespace}/persistentvolumeclaims/{name}")
        if claim is None or is_deleting(claim):
            return
        if dig(claim, "status.phase") == "Bound":
            if self._cluster.client.find(f"{CORE}/persistentvolumes/{claim['spec']['volumeName']}") is None:
                self._status(claim, {"phase": "Lost"})
            return
        volume = self._match(claim)
        if volume:
            self._bind(claim, volume)
        else:
            self._ask(claim)

    def _volume(self, name: str) -> None:
        """A volume's phase, from whether somebody holds it."""
        volume = self._cluster.client.find(f"{CORE}/persistentvolumes/{name}")
        if volume is None:
            return
        reference, phase = dig(volume, "spec.claimRef"), dig(volume, "status.phase")
        if not reference:
            wanted = "Available"
        else:
            path = f"{CORE}/namespaces/{reference['namespace']}/persistentvolumeclaims/{reference['name']}"
            claim = self._cluster.client.find(path)
            held = claim is not None and reference.get("uid", uid_of(claim)) == uid_of(claim)
            wanted = phase if held else "Released" if reference.get("uid") else "Available"
        if wanted != phase:
            self._status(volume, {"phase": wanted})

    def _match(self, claim: Obj) -> Obj | None:
        """The volume that is meant for this claim, else the smallest free one that fits."""
        volumes: list[Obj] = self._cluster.client.get(f"{CORE}/persistentvolumes")["items"]
        named = dig(claim, "spec.volumeName")
        if named:
            return next((one for one in volumes if name_of(one) == named), None)
        meant = [one for one in volumes if _is_for(one, claim)]
        if meant:
            return meant[0]
        free = [one for one in volumes if not dig(one, "spec.claimRef") and _fits(one, claim)]
        return min(free, key=lambda one: quantity(one["spec"]["capacity"]["storage"]), default=None)

    def _bind(self, claim: Obj, volume: Obj) -> None:
        client = self._cluster.client
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace_of(claim),
            "name": name_of(claim),
            "uid": uid_of(claim),
        }
        change: Obj = {"spec": {"claimRef": reference}}
        if not dig(volume, "spec.claimRef"):
            change["metadata"] = {"annotations": {BOUND_BY: "yes"}}
        unless_gone(lambda: client.patch(path_of(volume), change))
        self._status(volume, {"phase": "Bound"})
        marks = {BIND_COMPLETED: "yes", **({} if dig(claim, "spec.volumeName") else {BOUND_BY: "yes"})}
        bound = {"metadata": {"annotations": marks}, "spec": {"volumeName": name_of(volume)}}
        unless_gone(lambda: client.patch(path_of(claim), bound))
        spec = volume["spec"]
        self._status(claim, {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": spec["capacity"]})

    def _ask(self, claim: Obj) -> None:
        """Tell the provisioner of the claim's class that a volume is wanted."""
        events, wanted = self._cluster.events, dig(claim, "spec.storageClassName", "")
        found = self._classes.get("", wanted) if wanted else None
        if not wanted:
            message = "no persistent volumes available for this claim and no storage class is set"
            events.record(claim, "FailedBinding", message)
        elif found is None:
            events.record(claim, "ProvisioningFailed", f'storageclass.storage.k8s.io "{wanted}" not found', "Warning")
        elif found["volumeBindingMode"] == LATE and SELECTED_NODE not in annotations_of(claim):
            events.record(claim, LATE, "waiting for first consumer to be created before binding")
        elif annotations_of(claim).get(PROVISIONER) != found["provisioner"]:
            marks = {PROVISIONER: found["provisioner"], OLD_PROVISIONER: found["provisioner"]}
            unless_gone(lambda: self._cluster.client.patch(path_of(claim), {"metadata": {"annotations": marks}}))
            message = (
                f"Waiting for a volume to be created either by the external provisioner '{found['provisioner']}' or "
                "manually by the system administrator. If volume creation is delayed, please verify that the "
                "provisioner is running and correctly registered."
            )
            events.record(claim, "ExternalProvisioning", message)

    def _status(self, obj: Obj, status: Obj) -> None:
        unless_gone(lambda: self._cluster.client.patch(path_of(obj, "status"), {"status": status}))


def _is_for(volume: Obj, claim: Obj) -> bool:
    reference = dig(volume, "spec.claimRef")
    if not reference or (reference["namespace"], reference["name"]) != (namespace_of(claim), name_of(claim)):
        return False
    return bool(reference.get("uid", uid_of(claim)) == uid_of(claim))


def _fits(volume: Obj, claim: Obj) -> bool:
    have, want = volume["spec"], claim["spec"]
    return bool(
        dig(volume, "status.phase") in ("Available", "Pending")
        and have.get("storageClassName", "") == want.get("storageClassName", "")
        and set(want["accessModes"]) <= set(have["accessModes"])
        and quantity(have["capacity"]["storage"]) >= quantity(want["resources"]["requests"]["storage"])
        and have.get("volumeMode") == want.get("volumeMode")
    )
