"""Bootstrap tokens: the bootstrap signer and the token cleaner. Stands in for pkg/controller/bootstrap."""

from __future__ import annotations

import hashlib
import hmac
import json

from ..identity import decoded, is_expired
from ..objects import Obj, age_seconds, dig, name_of, namespace_of, uid_of
from ..paths import CORE
from ..service_tokens import encode_part
from .cluster import Cluster, unless_gone
from .queue import split_key

TOKEN_TYPE = "bootstrap.kubernetes.io/token"  # noqa: S105 - a type's name
PREFIX = "jws-kubeconfig-"
CLUSTER_INFO = ("kube-public", "cluster-info")


def is_token(secret: Obj) -> bool:
    return secret.get("type") == TOKEN_TYPE and namespace_of(secret) == "kube-system"


def signature(content: str, token_id: str, token_secret: str) -> str:
    """The detached JWS (HS256) over cluster-info's kubeconfig that `kubeadm join` checks with its token."""
    head = encode_part(json.dumps({"alg": "HS256", "kid": token_id}, separators=(",", ":")).encode())
    signed = f"{head}.{encode_part(content.encode())}"
    digest = hmac.new(token_secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{head}..{encode_part(digest)}"


class BootstrapSigner:
    """Signs kube-public/cluster-info with every valid token that may sign."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        queue = cluster.queue("bootstrapsigner", self._reconcile)
        self._maps = cluster.on_change("configmaps", queue, lambda one: ["x"] if _place(one) == CLUSTER_INFO else [])
        self._secrets = cluster.on_change("secrets", queue, lambda one: ["x"] if is_token(one) else [])

    def _reconcile(self, _: str) -> None:
        info = self._maps.get(*CLUSTER_INFO)
        content = dig(info, "data.kubeconfig") if info else None
        if not info or not content:
            return
        wanted = {}
        for secret in filter(is_token, self._secrets.all("kube-system")):
            data = decoded(secret)
            if data.get("usage-bootstrap-signing") == "true" and not is_expired(data):
                wanted[PREFIX + data["token-id"]] = signature(content, data["token-id"], data["token-secret"])
        held = {key: value for key, value in info["data"].items() if key.startswith(PREFIX)}
        change: dict[str, str | None] = {key: value for key, value in wanted.items() if held.get(key) != value}
        change |= {key: None for key in held if key not in wanted}
        if change:
            path = f"{CORE}/namespaces/{CLUSTER_INFO[0]}/configmaps/{CLUSTER_INFO[1]}"
            unless_gone(lambda: self._cluster.client.patch(path, {"data": change}))


class TokenCleaner:
    """Deletes bootstrap tokens at the moment they expire."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue = cluster.queue("tokencleaner", self._reconcile)
        self._secrets = cluster.on_change("secrets", self._queue, lambda one: [_key(one)] if is_token(one) else [])

    def _reconcile(self, key: str) -> None:
        secret = self._secrets.get(*split_key(key))
        if secret is None:
            return
        data = decoded(secret)
        if is_expired(data):
            path = f"{CORE}/namespaces/kube-system/secrets/{name_of(secret)}"
            options = {"preconditions": {"uid": uid_of(secret)}}
            unless_gone(lambda: self._cluster.client.delete(path, options))
        elif data.get("expiration"):
            self._queue.add(key, -age_seconds(data["expiration"]))


def _place(obj: Obj) -> tuple[str, str]:
    return namespace_of(obj), name_of(obj)


def _key(obj: Obj) -> str:
    return f"{namespace_of(obj)}/{name_of(obj)}"
