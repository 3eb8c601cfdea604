"""Events: what happened to an object, told once a minute at most and counted."""

from __future__ import annotations

import time
import uuid
from typing import Any

from .api import Api

Object = dict[str, Any]
AGAIN_S = 60.0


def timestamp(at: float | None = None, micro: bool = False) -> str:
    """RFC 3339 in UTC, as the API writes times; `micro` for the fields that want microseconds."""
    moment = time.time() if at is None else at
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{text}.{int(moment % 1 * 1e6):06d}Z" if micro else f"{text}Z"


class Recorder:
    """Tells events in the name of one component; `host` is its node."""

    def __init__(self, component: str, host: str) -> None:
        self.component, self.host = component, host
        self._told: dict[tuple[str, str, str], tuple[float, str, int]] = {}

    def is_news(self, involved: Object, reason: str, message: str) -> bool:
        """Whether the same was not told within the last minute; asking counts as telling."""
        key = (str(involved.get("uid") or involved["name"]), reason, message)
        told, name, count = self._told.get(key, (0.0, "", 0))
        if told and time.monotonic() - told < AGAIN_S:
            return False
        self._told[key] = (time.monotonic(), name, count)
        return True

    def write(self, api: Api, involved: Object, reason: str, message: str, kind: str) -> None:
        """Create the event, or count it up. Raises ApiError or UnreachableError."""
        key = (str(involved.get("uid") or involved["name"]), reason, message)
        at, name, count = self._told.get(key, (time.monotonic(), "", 0))
        namespace = involved.get("namespace") or "default"
        path = f"/api/v1/namespaces/{namespace}/events"
        if count:
            api.merge(f"{path}/{name}", {"count": count + 1, "lastTimestamp": timestamp()})
        else:
            name = f"{involved['name']}.{uuid.uuid4().hex[:16]}"
            api.create(path, self._body(name, namespace, involved, reason, message, kind))
        self._told[key] = (at, name, count + 1)

    def _body(self, name: str, namespace: str, involved: Object, reason: str, message: str, kind: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": timestamp(),
            "lastTimestamp": timestamp(),
            "source": {"component": self.component, "host": self.host},
            "reportingComponent": self.component,
            "reportingInstance": self.host,
        }


def reference(body: Object, kind: str) -> Object:
    """An object of the core group as events refer to it."""
    metadata = body["metadata"]
    named = {"namespace": metadata.get("namespace", ""), "name": metadata["name"], "uid": metadata["uid"]}
    return {"apiVersion": "v1", "kind": kind, **named}
