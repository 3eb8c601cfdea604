"""One HTTP request and its answer, without the sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import bad_request, not_served
from .identity import User

JSON = "application/json"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True)
class Request:
    """What a client sent. Header names are lower case; `query` has the first value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    user: User

    def flag(self, name: str) -> bool:
        """Whether a boolean query parameter is given and true."""
        return self.query.get(name, "").lower() in ("1", "true")

    @property
    def accept(self) -> str:
        return self.headers.get("accept", JSON)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", JSON).partition(";")[0].strip()

    def content(self) -> Any:
        """The body, which is JSON: kubectl sends it also where it says YAML. 400 when it is not, 501 for protobuf."""
        if not self.body:
            return {}
        if self.content_type == PROTOBUF:
            raise not_served("protobuf, which `kubectl create KIND` sends: apply a manifest instead")
        try:
            return json.loads(self.body)
        except ValueError as error:
            message = f"the object provided is unrecognized (must be of type Object): {error}"
            raise bad_request(message) from error


@dataclass
class Answer:
    """What goes back: a JSON `body`, ready `text`, or a `stream` of chunks that ends with the connection."""

    code: int = 200
    body: Any = None
    text: bytes | None = None
    stream: Iterator[bytes] | None = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def encoded(self) -> bytes:
        """The bytes of an answer that is no stream."""
        if self.text is not None:
            return self.text
        return json.dumps(self.body, separators=(",", ":")).encode() + b"\n"
