"""Bootstrap tokens: Secrets in kube-system that let a machine ask for a certificate, and sign cluster-info."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import string
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.kubernetes.node.api import Api, ApiError

from . import duration
from .defaults import TOKEN_GROUP, bootstrap_token

Object = dict[str, Any]
ALPHABET = string.ascii_lowercase + string.digits
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PREFIX = "bootstrap-token-"


def generate() -> str:
    """A fresh token, `abcdef.0123456789abcdef`."""
    return ".".join("".join(secrets.choice(ALPHABET) for _ in range(length)) for length in (6, 16))


def secret(token: Object, now: datetime) -> Object:
    """The Secret of one entry of bootstrapTokens."""
    identity, _, password = token["token"].partition(".")
    data = {"token-id": identity, "token-secret": password}
    ttl = duration.seconds(token.get("ttl") or "24h0m0s")
    if token.get("expires"):
        data["expiration"] = token["expires"]
    elif ttl > 0:
        data["expiration"] = (now + timedelta(seconds=ttl)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if token.get("description"):
        data["description"] = token["description"]
    data |= {f"usage-bootstrap-{usage}": "true" for usage in token.get("usages") or bootstrap_token("")["usages"]}
    data["auth-extra-groups"] = ",".join(token.get("groups") or [TOKEN_GROUP])
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": PREFIX + identity, "namespace": "kube-system"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": metadata,
        "data": encoded,
    }


def store(api: Api, token: Object) -> None:
    """Create the token's Secret, or refresh it."""
    api.ensure(SECRETS, secret(token, datetime.now(UTC)))


def signature(kubeconfig: str, token: str) -> str:
    """The detached JWS over cluster-info's kubeconfig, by HMAC-SHA256 with the token's secret."""
    identity, _, password = token.partition(".")
    header = _b64(json.dumps({"alg": "HS256", "kid": identity}, separators=(",", ":")).encode())
    signed = f"{header}.{_b64(kubeconfig.encode())}".encode()
    return f"{header}..{_b64(hmac.new(password.encode(), signed, hashlib.sha256).digest())}"


def is_signed(jws: str, kubeconfig: str, token: str) -> bool:
    """Whether `jws` was made with this token over this content."""
    header, _, rest = jws.partition("..")
    signed = f"{header}.{_b64(kubeconfig.encode())}".encode()
    wanted = _b64(hmac.new(token.partition(".")[2].encode(), signed, hashlib.sha256).digest())
    return bool(header) and hmac.compare_digest(wanted, rest)


def sign_cluster_info(api: Api, token: str) -> None:
    """Put the signature into cluster-info at once; the controller manager's bootstrap signer would take a second."""
    path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    try:
        kubeconfig = api.get(path)["data"]["kubeconfig"]
    except ApiError as error:
        if error.reason == "NotFound":
            return
        raise
    api.merge(path, {"data": {f"jws-kubeconfig-{token.partition('.')[0]}": signature(kubeconfig, token)}})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
