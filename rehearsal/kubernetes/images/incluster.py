"""How a program in a pod reaches the API, and follows objects there."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError

Object = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
RETRY_S = 2.0


def say(text: str) -> None:
    """A line of the container's log."""
    print(text, file=sys.stderr, flush=True)


class TokenApi(Api):
    """The API with a token that is read from its file again for every request: the kubelet renews it."""

    def __init__(self, server: str, ca: str, token_file: Path) -> None:
        super().__init__(server, ca)
        self._token_file = token_file

    @property
    def token(self) -> str | None:
        return self._token_file.read_text().strip()

    @token.setter
    def token(self, value: str | None) -> None:
        """Api sets it once; the file is what counts."""


def api() -> Api:
    """The API server by the environment and the service account that the kubelet gave this pod."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return TokenApi(f"https://{host}:{port}", (ACCOUNT / "ca.crt").read_text(), ACCOUNT / "token")


def follow(client: Api, path: str, changed: Callable[[dict[str, Object]], None], timeout_s: int = 240) -> None:
    """List and watch `path` for ever; `changed` gets all objects by namespace/name after every change."""
    while True:
        try:
            _follow_once(client, path, changed, timeout_s)
        except ApiError as error:
            if error.status != 410:
                say(f"failed to watch {path}: {error}")
                time.sleep(RETRY_S)
        except (UnreachableError, OSError) as error:
            say(f"failed to watch {path}: {error}")
            time.sleep(RETRY_S)


def _follow_once(client: Api, path: str, changed: Callable[[dict[str, Object]], None], timeout_s: int) -> None:
    listed = client.get(path)
    version = listed["metadata"].get("resourceVersion", "0")
    objects = {key(item): item for item in listed.get("items", [])}
    changed(objects)
    while True:
        for event in client.watch(path, timeout_s, resourceVersion=version):
            version = event["object"]["metadata"].get("resourceVersion", version)
            if event["type"] == "BOOKMARK":
                continue
            if event["type"] == "DELETED":
                objects.pop(key(event["object"]), None)
            else:
                objects[key(event["object"])] = event["object"]
            changed(objects)
        changed(objects)


def key(item: Object) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def option(arguments: Sequence[str], name: str, default: str = "") -> str:
    """The value of `--name=value`, `-name=value` or `-name value`, the last one given."""
    found = default
    for position, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if argument.startswith("-") and flag.lstrip("-") == name:
            found = value if equals else next(iter(arguments[position + 1 : position + 2]), default)
    return found
