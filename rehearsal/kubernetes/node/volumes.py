"""A pod's volumes: folders of the machine that are bound into its containers."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from . import nfs
from .environment import ContainerConfigError, Fetch, contents
from .paths import KUBELET, real, write

Object = dict[str, Any]
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # a path
TOKEN_LIFE_S = 3600
TOKEN_RENEW_S = 2400
FOLDERS = {"emptyDir": "empty-dir", "configMap": "configmap", "secret": "secret"}
KINDS = {"configMap": "configmaps", "secret": "secrets"}


class VolumeError(Exception):
    """FailedMount: a volume that cannot be made yet; the text is the event's."""


class Volumes:
    """Makes the volumes of one pod. `tokens(namespace, account, pod, seconds)` gives a service account's token."""

    def __init__(self, pod: Object, fetch: Fetch, tokens: Any) -> None:
        self.pod: Object = pod
        self.fetch, self.tokens = fetch, tokens
        self.folder = real(KUBELET) / "pods" / str(pod["metadata"]["uid"]) / "volumes"
        self.sources: dict[str, Path] = {}
        self._renew_at = 0.0

    def prepare(self) -> None:
        """Make every volume; the same again changes nothing. Raises VolumeError."""
        for volume in self.pod["spec"].get("volumes") or []:
            try:
                self.sources[volume["name"]] = self._make(volume)
            except (ContainerConfigError, LookupError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
        if self._wants_token():
            self._write_token()

    def refresh(self) -> None:
        """Renew the service account's token in time; the container sees the new one in its folder."""
        if self._renew_at and time.monotonic() > self._renew_at:
            self._write_token()

    def mounts(self, container: Object) -> list[Object]:
        """What launch.py binds for one container."""
        result: list[Object] = []
        for entry in container.get("volumeMounts") or []:
            source = str(self.sources[entry["name"]])
            result.append({"source": source, "path": entry["mountPath"], "readOnly": bool(entry.get("readOnly"))})
        if self._renew_at:
            result.append({"source": str(self._token_folder()), "path": TOKEN_PATH, "readOnly": True})
        return result

    def remove(self) -> None:
        """Unmount and remove what was made for this pod; the data of hostPath and NFS volumes stays."""
        nfs.unmount_below(self.folder)
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _make(self, volume: Object) -> Path:
        name = volume["name"]
        if "hostPath" in volume:
            return host_path(name, volume["hostPath"])
        if "persistentVolumeClaim" in volume:
            return self._claim(name, volume["persistentVolumeClaim"])
        kind = next((kind for kind in FOLDERS if kind in volume), None)
        if kind is None:
            raise VolumeError(f'no volume plugin matched volume "{name}": this stand-in has none for {sorted(volume)}')
        folder = self.folder / f"kubernetes.io~{FOLDERS[kind]}" / str(name)
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "emptyDir":
            folder.chmod(0o777)
        else:
            self._fill(folder, kind, volume[kind])
        return folder

    def _fill(self, folder: Path, kind: str, body: Object) -> None:
        name = body.get("name") or body.get("secretName", "")
        try:
            data = contents(self.fetch(KINDS[kind], self.pod["metadata"]["namespace"], name))
        except LookupError:
            raise ContainerConfigError(f'{kind.lower()} "{name}" not found') from None
        paths = {item["key"]: item["path"] for item in body.get("items") or []} or {key: key for key in data}
        for key, path in paths.items():
            if key not in data:
                raise ContainerConfigError(f"references non-existent config key: {key}")
            _put(folder, path, data[key])

    def _claim(self, name: str, body: Object) -> Path:
        namespace = self.pod["metadata"]["namespace"]
        claim = self.fetch("persistentvolumeclaims", namespace, body["claimName"])
        bound = claim["spec"].get("volumeName")
        if not bound or claim.get("status", {}).get("phase") != "Bound":
            raise VolumeError(f'persistentvolumeclaim "{body["claimName"]}" not bound')
        volume = self.fetch("persistentvolumes", "", bound)
        target = self.folder / "kubernetes.io~csi" / str(bound) / "mount"
        try:
            nfs.mount(volume, target)
        except nfs.MountError as error:
            raise VolumeError(f'MountVolume.SetUp failed for volume "{bound}" : {error}') from None
        return target

    def _wants_token(self) -> bool:
        return (
            bool(self.pod["spec"].get("serviceAccountName"))
            and self.pod["spec"].get("automountServiceAccountToken") is not False
        )

    def _token(self) -> str:
        token: str = self.tokens(self.pod, TOKEN_LIFE_S)
        return token

    def _token_folder(self) -> Path:
        return self.folder / "kubernetes.io~projected" / "kube-api-access"

    def _write_token(self) -> None:
        folder = self._token_folder()
        namespace = self.pod["metadata"]["namespace"]
        ca = self.fetch("configmaps", namespace, "kube-root-ca.crt")
        _put(folder, "token", self._token().encode())
        _put(folder, "ca.crt", ca["data"]["ca.crt"].encode())
        _put(folder, "namespace", namespace.encode())
        self._renew_at = time.monotonic() + TOKEN_RENEW_S


def host_path(name: str, body: Object) -> Path:
    """The machine's own path, checked by its type. Raises VolumeError."""
    path, kind = real(body["path"]), body.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    wrong = (
        (kind == "Directory" and not path.is_dir())
        or (kind == "File" and not path.is_file())
        or (kind == "Socket" and not path.is_socket())
    )
    if wrong:
        article = {"Directory": "a directory", "File": "a file", "Socket": "a socket"}[kind]
        raise VolumeError(
            f'MountVolume.SetUp failed for volume "{name}" : hostPath type check failed: {body["path"]} is not '
            f"{article}"
        )
    if not path.exists():
        path.mkdir(parents=True)  # a runtime makes what is missing below a hostPath without a type
    return path


def _put(folder: Path, path: str, content: bytes) -> None:
    target = folder / path
    if not target.exists() or target.read_bytes() != content:
        write(target, content, 0o644)
