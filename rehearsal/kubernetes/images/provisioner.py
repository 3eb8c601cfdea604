"""csi-provisioner for nfs.csi.k8s.io: a folder on the share and a PersistentVolume for every claim, by a real mount.

Where the kernel refuses the mount nothing is provisioned; the claim's event then carries the kernel's words.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.node import nfs
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.events import Recorder, reference

from .csi import wait_for
from .incluster import api, follow, key, option, say

Object = dict[str, Any]
CLAIMS, VOLUMES, CLASSES = (
    "/api/v1/persistentvolumeclaims",
    "/api/v1/persistentvolumes",
    "/apis/storage.k8s.io/v1/storageclasses",
)
PROVISIONED = "pv.kubernetes.io/provisioned-by"
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 300.0


class Provisioner:
    """Acts on claims and volumes as they change; what failed is tried again, less and less often."""

    def __init__(self, client: Api) -> None:
        self.client = client
        self.events = Recorder(f"{nfs.DRIVER}_{socket.gethostname()}", socket.gethostname())
        self.failed: dict[str, tuple[float, float]] = {}

    def claims_changed(self, claims: dict[str, Object]) -> None:
        for claim in claims.values():
            if is_wanted(claim) and time.monotonic() >= self.failed.get(key(claim), (0.0, 0.0))[0]:
                self._provision(claim)
        self._release()

    def _provision(self, claim: Object) -> None:
        name = claim["spec"]["storageClassName"]
        try:
            storage_class = self.client.get(f"{CLASSES}/{name}")
            volume = volume_of(claim, storage_class)
            self._tell(claim, "Provisioning", f'External provisioner is provisioning volume for claim "{key(claim)}"')
            with folder(volume) as place:
                place.mkdir(parents=True, exist_ok=True)
                mode = int((storage_class.get("parameters") or {}).get("mountPermissions", "0"), 8)
                if mode:  # else it is what the driver's umask leaves of 0777: root's to write
                    place.chmod(mode)
            self.client.ensure(VOLUMES, volume)
        except (nfs.MountError, ApiError, OSError, KeyError) as error:
            self._failed(claim, f'failed to provision volume with StorageClass "{name}": {error}')
            return
        self.failed.pop(key(claim), None)
        self._tell(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {volume['metadata']['name']}")

    def _failed(self, claim: Object, message: str) -> None:
        delay = min(max(self.failed.get(key(claim), (0.0, 0.0))[1] * 2, FIRST_RETRY_S), LAST_RETRY_S)
        self.failed[key(claim)] = (time.monotonic() + delay, delay)
        say(message)
        self._tell(claim, "ProvisioningFailed", message, "Warning")

    def _release(self) -> None:
        """Volumes whose claims were deleted go, with their data where the class says so."""
        for volume in self.client.get(VOLUMES).get("items", []):
            ours = (volume["metadata"].get("annotations") or {}).get(PROVISIONED) == nfs.DRIVER
            released = volume.get("status", {}).get("phase") == "Released"
            if ours and released and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                self._delete(volume)

    def _delete(self, volume: Object) -> None:
        try:
            if volume["spec"]["csi"]["volumeAttributes"].get("onDelete", "delete") == "delete":
                with folder(volume) as place:
                    shutil.rmtree(place, ignore_errors=True)
            self.client.delete(f"{VOLUMES}/{volume['metadata']['name']}")
        except (nfs.MountError, ApiError, OSError) as error:
            say(f"volume {volume['metadata']['name']} could not be deleted: {error}")

    def _tell(self, claim: Object, reason: str, message: str, kind: str = "Normal") -> None:
        involved = reference(claim, "PersistentVolumeClaim")
        if not self.events.is_news(involved, reason, message):
            return
        try:
            self.events.write(self.client, involved, reason, message, kind)
        except (ApiError, UnreachableError) as error:
            say(f"event {reason} could not be written: {error}")


def is_wanted(claim: Object) -> bool:
    """A claim that waits for this driver: no volume yet, and the controller manager said whose it is."""
    annotations = claim["metadata"].get("annotations") or {}
    names = {annotations.get(f"volume.{part}kubernetes.io/storage-provisioner") for part in ("", "beta.")}
    return (
        nfs.DRIVER in names and not claim["spec"].get("volumeName") and not claim["metadata"].get("deletionTimestamp")
    )


def volume_of(claim: Object, storage_class: Object) -> Object:
    """The PersistentVolume for a claim, as the driver and its provisioner make it."""
    parameters = storage_class.get("parameters") or {}
    metadata, name = claim["metadata"], f"pvc-{claim['metadata']['uid']}"
    values = {
        "pvc.metadata.name": metadata["name"],
        "pvc.metadata.namespace": metadata["namespace"],
        "pv.metadata.name": name,
    }
    below = re.sub(r"\$\{([a-z.]+)\}", lambda match: values.get(match[1], match[0]), parameters.get("subDir") or name)
    server, share = parameters["server"], parameters["share"]
    attributes = {
        "server": server,
        "share": share,
        "subdir": below,
        "storage.kubernetes.io/csiProvisionerIdentity": nfs.DRIVER,
    }
    if parameters.get("onDelete"):
        attributes["onDelete"] = parameters["onDelete"]
    handle = f"{server}#{share.strip('/')}#{below}##"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED: nfs.DRIVER}},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": reference(claim, "PersistentVolumeClaim"),
            "csi": {"driver": nfs.DRIVER, "volumeHandle": handle, "volumeAttributes": attributes},
            "mountOptions": storage_class.get("mountOptions") or [],
            "storageClassName": storage_class["metadata"]["name"],
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "volumeMode": "Filesystem",
        },
    }


@contextmanager
def folder(volume: Object) -> Iterator[Path]:
    """The volume's folder on the share, mounted for as long as it is needed. Raises MountError."""
    attributes = volume["spec"]["csi"]["volumeAttributes"]
    place = Path(tempfile.gettempdir()) / str(volume["metadata"]["name"])
    try:
        nfs.attempt(f"{attributes['server']}:{attributes['share']}", place, volume["spec"].get("mountOptions") or [])
    except nfs.MountError as error:
        place.rmdir()
        raise nfs.MountError(f"rpc error: code = Internal desc = failed to mount nfs server: {error}") from None
    try:
        yield place / attributes["subdir"]
    finally:
        nfs.unmount(place)
        place.rmdir()


def main() -> None:
    wait_for(Path(option(sys.argv[1:], "csi-address")))
    say(f"csi-provisioner (stand-in) for {nfs.DRIVER}")
    client = api()
    provisioner = Provisioner(client)
    # A short watch lets claims that failed be tried again, and volumes of deleted claims be seen.
    follow(client, CLAIMS, provisioner.claims_changed, timeout_s=3)


if __name__ == "__main__":
    main()
