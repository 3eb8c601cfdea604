"""Events: what a component tells people about an object, seen in kubectl describe."""

from __future__ import annotations

import hashlib
import logging

from .client import Client
from .errors import ApiError
from .objects import Obj, name_of, namespace_of, timestamp, uid_of
from .paths import CORE

log = logging.getLogger("events")


class Recorder:
    """Writes events as one component; the same event again raises its count."""

    def __init__(self, client: Client, component: str) -> None:
        self._client = client
        self._component = component

    def record(self, about: Obj, reason: str, message: str, kind: str = "Normal") -> None:
        """Tell it. A failure is logged: events are never worth stopping for."""
        namespace = namespace_of(about) or "default"
        told = f"{uid_of(about)}/{reason}/{message}/{self._component}"
        name = f"{name_of(about)}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        path = f"{CORE}/namespaces/{namespace}/events"
        try:
            old = self._client.find(f"{path}/{name}")
            if old:
                change = {"count": old.get("count", 1) + 1, "lastTimestamp": timestamp()}
                self._client.patch(f"{path}/{name}", change)
            else:
                self._client.create(path, self._event(about, namespace, name, reason, message, kind))
        except (ApiError, OSError) as error:
            log.info("event %s of %s was not written: %s", reason, name_of(about), error)

    def _event(self, about: Obj, namespace: str, name: str, reason: str, message: str, kind: str) -> Obj:
        involved = {"apiVersion": about["apiVersion"], "kind": about["kind"], "name": name_of(about)}
        involved["uid"] = uid_of(about)
        if namespace_of(about):
            involved["namespace"] = namespace
        moment = timestamp()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "source": {"component": self._component},
            "reportingComponent": self._component,
        }
