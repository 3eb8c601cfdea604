"""What the parts of one kubelet share: who the node is, its API, its configuration, and the events it tells."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from . import log
from .api import Api, ApiError, UnreachableError
from .events import Recorder

Object = dict[str, Any]
CLUSTER_SCOPED = {"persistentvolumes", "nodes"}


@dataclass
class Node:
    """One kubelet's own view. `api` is None until the node has a credential."""

    name: str
    address: str
    configuration: Object
    api: Api | None = None
    registered: threading.Event = field(default_factory=threading.Event)
    resend: int = 0  # raised when the API holds other statuses of pods than it was told
    _service: str | None = None

    def __post_init__(self) -> None:
        self.events = Recorder("kubelet", self.name)

    def client(self) -> Api:
        """The API. Raises UnreachableError while there is no credential."""
        if self.api is None:
            raise UnreachableError("the node has no credential yet")
        return self.api

    def fetch(self, kind: str, namespace: str, name: str) -> Object:
        """One object of the core group. Raises LookupError when it is not there or cannot be asked for now."""
        place = kind if kind in CLUSTER_SCOPED else f"namespaces/{namespace}/{kind}"
        try:
            found: Object = self.client().get(f"/api/v1/{place}/{quote(name)}")
        except (ApiError, UnreachableError) as error:
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
        except (ApiError, UnreachableError) as error:
            raise LookupError(f"failed to fetch token: {error}") from None
        return str(answer["status"]["token"])

    def event(self, involved: Object, reason: str, message: str, kind: str = "Normal") -> None:
        """Tell an event about an object; before the API knows this node, it stands in the kubelet's own log only."""
        if not self.events.is_news(involved, reason, message):
            return
        level = log.warning if kind == "Warning" else log.info
        level(f"Event: {reason}", object=f"{involved.get('namespace', '')}/{involved.get('name', '')}", text=message)
        if not self.registered.is_set():
            return
        try:
            self.events.write(self.client(), involved, reason, message, kind)
        except (ApiError, UnreachableError) as error:
            log.warning("Unable to write event", err=error)
