"""Kubeconfig files: what kubeadm writes and what the programs on a machine log in with."""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .api import Api
from .paths import real, write


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the text says why."""


@dataclass(frozen=True)
class User:
    """Who logs in: certificate and key as PEM text or as paths on the machine, or a token."""

    name: str
    certificate: bytes | str | None = None
    key: bytes | str | None = None
    token: str | None = None

    def entry(self) -> dict[str, Any]:
        body: dict[str, Any] = {"token": self.token} if self.token else {}
        for field, value in (("client-certificate", self.certificate), ("client-key", self.key)):
            if isinstance(value, bytes):
                body[f"{field}-data"] = base64.b64encode(value).decode()
            elif value:
                body[field] = value
        return {"name": self.name, "user": body}


def document(server: str, ca: bytes, user: User | None, cluster: str = "kubernetes") -> dict[str, Any]:
    """A kubeconfig as kubeadm writes it; without `user` it is the one of cluster-info."""
    data = {"certificate-authority-data": base64.b64encode(ca).decode(), "server": server}
    if user is None:
        return {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": data}], "contexts": None,
                "current-context": "", "preferences": {}, "users": None}  # fmt: skip
    context = f"{user.name}@{cluster}"
    return {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": cluster, "cluster": data}],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": user.name}}],
            "current-context": context, "preferences": {}, "users": [user.entry()]}  # fmt: skip


def save(path: str, config: dict[str, Any]) -> Path:
    """Write a kubeconfig, readable by its owner only."""
    return write(path, yaml.safe_dump(config, sort_keys=True), 0o600)


def login(path: str | Path, source: str | None = None, timeout_s: float = 10) -> Api:
    """The API as the current context of a kubeconfig sees it. Raises KubeconfigError."""
    try:
        config = yaml.safe_load(real(path).read_text(encoding="utf-8"))
        cluster, user = _current(config)
    except (OSError, yaml.YAMLError, KeyError, StopIteration, TypeError) as error:
        raise KubeconfigError(f"error loading config file {path!s}: {error}") from None
    ca = _bytes(cluster, "certificate-authority")
    certificate, key = _file(user, "client-certificate"), _file(user, "client-key")
    token = user.get("token") or (real(user["tokenFile"]).read_text().strip() if "tokenFile" in user else None)
    return Api(cluster["server"], ca.decode() if ca else None, certificate, key, token, source, timeout_s=timeout_s)


def server_and_ca(path: str) -> tuple[str, bytes]:
    """The server's URL and the CA of the current context."""
    cluster, _ = _current(yaml.safe_load(real(path).read_text(encoding="utf-8")))
    return cluster["server"], _bytes(cluster, "certificate-authority") or b""


def _current(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    name = config["current-context"]
    context = next(entry["context"] for entry in config["contexts"] if entry["name"] == name)
    cluster = next(entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"])
    user = next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])
    return cluster, user


def _bytes(entry: dict[str, Any], field: str) -> bytes | None:
    if f"{field}-data" in entry:
        return base64.b64decode(entry[f"{field}-data"])
    return real(entry[field]).read_bytes() if field in entry else None


def _file(entry: dict[str, Any], field: str) -> Path | None:
    """OpenSSL loads certificates from files only: embedded ones go to a private file for the life of the process."""
    if f"{field}-data" in entry:
        handle, name = tempfile.mkstemp(prefix="kubeconfig-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(base64.b64decode(entry[f"{field}-data"]))
        return Path(name)
    return real(entry[field]) if field in entry else None
