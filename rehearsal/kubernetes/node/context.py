"""What the parts of one kubelet share: who the node is, its API, its configuration, and the events it tells."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from . import log
from .api import Api, ApiError, Unreachable

Object = dict[str, Any]
EVENT_AGAIN_S = 60.0
CLUSTER_SCOPED = {"persistentvolumes", "nodes"}


def timestamp(at: float | None = None, micro: bool = False) -> str:
    """RFC 3339 in UTC, as the API writes times; `micro` for the fields that want microseconds."""
    moment = time.time() if at is None else at
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{text}.{int(moment % 1 * 1e6):06d}Z" if micro else f"{text}Z"


@dataclass
class Node:
    """One kubelet's own view. `api` is None until the node has a credential."""

    name: str
    address: str
    configuration: Object
    api: Api | None = None
    registered: threading.Event = field(default_factory=threading.Event)
    _told: dict[tuple[str, str, str], tuple[float, str, int]] = field(default_factory=dict)
    _service: str | None = None

    def client(self) -> Api:
        """The API. Raises Unreachable while there is no credential."""
        if self.api is None:
            raise Unreachable("the node has no credential yet")
        return self.api

    def fetch(self, kind: str, namespace: str, name: str) -> Object:
        """One object of the core group. Raises LookupError when it is not there or cannot be asked for now."""
        place = kind if kind in CLUSTER_SCOPED else f"namespaces/{namespace}/{kind}"
        try:
            found: Object = self.client().get(f"/api/v1/{place}/{quote(name)}")
        except (ApiError, Unreachable) as error:
            raise LookupError(str(error)) from None
        return found

    def service(self) -> str | None:
        """host:port of the API as pods see it; None while that cannot be known."""
        if self._service is None:
            try:
                found = self.fetch("services", "default", "kubernetes")
                self._service = f"{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"
            except LookupError:
                return None
        return self._service

    def token(self, pod: Object, seconds: int) -> str:
        """A token of the pod's service account. Raises LookupError."""
        metadata = pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds, "boundObjectRef": bound},
        }
        account = pod["spec"].get("serviceAccountName", "default")
        try:
            answer = self.client().create(
                f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token", body
            )
        except (ApiError, Unreachable) as error:
            raise LookupError(f"failed to fetch token: {error}") from None
        return str(answer["status"]["token"])

    def event(self, involved: Object, reason: str, message: str, kind: str = "Normal") -> None:
        """Tell an event about an object; the same again within a minute is told once."""
        key = (str(involved.get("uid") or involved["name"]), reason, message)
        told, name, count = self._told.get(key, (0.0, "", 0))
        if told and time.monotonic() - told < EVENT_AGAIN_S:
            return
        self._told[key] = (time.monotonic(), name, count)
        level = log.warning if kind == "Warning" else log.info
        level(f"Event: {reason}", object=f"{involved.get('namespace', '')}/{involved.get('name', '')}", text=message)
        if not self.registered.is_set():
            return  # before the API knows this node, events stand in the kubelet's own log only
        try:
            self._tell(key, name, count, involved, reason, message, kind)
        except (ApiError, Unreachable) as error:
            log.warning("Unable to write event", err=error)

    def _tell(
        self, key: tuple[str, str, str], name: str, count: int, involved: Object, reason: str, message: str, kind: str
    ) -> None:
        namespace = involved.get("namespace") or "default"
        path = f"/api/v1/namespaces/{namespace}/events"
        if count:
            self.client().merge(f"{path}/{name}", {"count": count + 1, "lastTimestamp": timestamp()})
        else:
            name = f"{involved['name']}.{uuid.uuid4().hex[:16]}"
            self.client().create(path, {
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace}, "involvedObject": involved,
                "reason": reason, "message": message, "type": kind, "count": 1, "firstTimestamp": timestamp(),
                "lastTimestamp": timestamp(), "source": {"component": "kubelet", "host": self.name},
                "reportingComponent": "kubelet", "reportingInstance": self.name,
            })  # fmt: skip
        self._told[key] = (time.monotonic(), name, count + 1)


def reference(pod: Object) -> Object:
    """A pod as events refer to it."""
    metadata = pod["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
