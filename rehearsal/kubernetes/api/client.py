"""A client of the API server, for the controllers, the scheduler, and the node-side stand-ins.

Stands in for client-go's rest package: HTTPS with keep-alive, a connection for each thread.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import yaml

from .discovery import AGGREGATED
from .errors import ApiError
from .exchange import JSON
from .objects import Obj

TIMEOUT_S = 30.0
WATCH_S = 300
WATCH_SLACK_S = 90.0
PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class Client:
    """Requests to one server as one user. Every method raises ApiError for a refusal and OSError without an answer."""

    def __init__(self, server: str, context: ssl.SSLContext, token: str = "") -> None:
        parts = urlsplit(server)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._context = context
        self._token = token
        self._local = threading.local()

    @classmethod
    def from_kubeconfig(cls, path: Path | str) -> Client:
        """The current context of a kubeconfig as kubeadm writes it: data inline, or files."""
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        chosen = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
        user = _named(config["users"], chosen["user"])["user"]
        authority = _content(cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
        if certificate and key:
            _load_pair(context, certificate, key)
        return cls(cluster["server"], context, user.get("token", ""))

    def get(self, path: str, **query: str) -> Obj:
        return self._call("GET", path, query)

    def discover(self) -> Iterator[tuple[str, Obj]]:
        """Every kind that the server serves, with its apiVersion (`apps/v1`)."""
        for root in ("/api", "/apis"):
            for group in self._call("GET", root, {}, accept=AGGREGATED)["items"]:
                for version in group["versions"]:
                    name = f"{group['metadata']['name']}/{version['version']}".removeprefix("/")
                    yield from ((name, kind) for kind in version["resources"])

    def create(self, path: str, obj: Obj) -> Obj:
        return self._call("POST", path, {}, obj)

    def update(self, path: str, obj: Obj) -> Obj:
        return self._call("PUT", path, {}, obj)

    def patch(self, path: str, obj: Obj, kind: str = "merge") -> Obj:
        return self._call("PATCH", path, {}, obj, PATCH_TYPES[kind])

    def delete(self, path: str, options: Obj | None = None) -> Obj:
        return self._call("DELETE", path, {}, options or {})

    def find(self, path: str) -> Obj | None:
        """The object, or None when the server says that it is not there."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == http.client.NOT_FOUND:
                return None
            raise

    def watch(
        self, path: str, version: str, timeout_s: int = WATCH_S, query: dict[str, str] | None = None
    ) -> Iterator[Obj]:
        """Events {type, object} since `version`, until the server ends the watch. 410 comes as ApiError.

        The connection is the caller's alone and is closed when the iteration ends.
        """
        asked = {
            **(query or {}),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(timeout_s),
        }
        connection = self._connect(WATCH_SLACK_S)
        try:
            connection.request("GET", f"{path}?{urlencode(asked)}", headers=self._headers())
            response = connection.getresponse()
            _raise_for(response.status, response.read() if response.status != http.client.OK else b"")
            for line in response:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _error(event["object"])
                yield event
        finally:
            connection.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._context)

    def _headers(self, content_type: str = JSON, accept: str = JSON) -> dict[str, str]:
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "rehearsal_api"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        obj: Obj | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Obj:
        url = quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
        body = json.dumps(obj).encode() if obj is not None else None
        headers = self._headers(content_type, accept)
        status, answer = self._exchange(method, url, body, headers)
        _raise_for(status, answer)
        found: Obj = json.loads(answer)
        return found

    def _exchange(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send on the thread's kept connection; when the server has closed it meanwhile, on a fresh one."""
        kept: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        for connection in (kept, None):
            if kept is not None and connection is None:
                kept.close()
            current = connection or self._connect(TIMEOUT_S)
            try:
                current.request(method, url, body, headers)
                response = current.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                self._local.connection = None
                if connection is None:
                    raise
                continue
            self._local.connection = None if response.will_close else current
            return response.status, answer
        message = "no connection"
        raise ConnectionError(message)


def _raise_for(status: int, answer: bytes) -> None:
    if status < http.client.BAD_REQUEST and (status < http.client.MULTIPLE_CHOICES):
        return
    try:
        raise _error(json.loads(answer))
    except ValueError:
        raise ApiError(status, "Unknown", answer.decode(errors="replace")) from None


def _error(status: Obj) -> ApiError:
    return ApiError(status.get("code", 500), status.get("reason", ""), status.get("message", ""), status.get("details"))


def _named(items: list[Obj], name: str) -> Obj:
    return next(item for item in items if item["name"] == name)


def _content(holder: Obj, name: str) -> bytes:
    """PEM from `NAME-data` (base64) or from the file that `NAME` names."""
    if f"{name}-data" in holder:
        return base64.b64decode(holder[f"{name}-data"])
    return Path(holder[name]).read_bytes() if name in holder else b""


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # ssl reads certificates from files only.
    with tempfile.NamedTemporaryFile() as both:
        both.write(certificate + b"\n" + key)
        both.flush()
        context.load_cert_chain(both.name)
