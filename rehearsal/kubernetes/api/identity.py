"""Who asks: client certificates, bootstrap tokens, ServiceAccount tokens, anonymous.

Stands in for the authenticators of k8s.io/apiserver and plugin/pkg/auth/authenticator/token/bootstrap.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Any

from .errors import unauthorized
from .objects import Obj, age_seconds
from .service_tokens import ServiceTokens
from .store import Store

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
_BOOTSTRAP = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")


@dataclass(frozen=True)
class User:
    """A name and the groups that it is in."""

    name: str
    groups: tuple[str, ...]
    uid: str = ""

    @property
    def node(self) -> str:
        """The node whose kubelet this is; "" for everybody else."""
        return self.name.removeprefix("system:node:") if "system:nodes" in self.groups else ""


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))


class Authenticator:
    """Finds the user of a request; 401 for a token that is not valid."""

    def __init__(self, store: Store, tokens: ServiceTokens | None) -> None:
        self._store = store
        self._tokens = tokens

    def user(self, certificate: Any, authorization: str) -> User:
        """certificate: what ssl's getpeercert() gave, already verified. authorization: that header's value."""
        if certificate:
            return _certified(certificate)
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            return ANONYMOUS
        found = self._bootstrap(token.strip()) or self._service_account(token.strip())
        if found is None:
            raise unauthorized()
        return found

    def _bootstrap(self, token: str) -> User | None:
        parts = _BOOTSTRAP.fullmatch(token)
        secret = parts and self._store.get(("", "secrets"), "kube-system", f"bootstrap-token-{parts[1]}")
        if not parts or not secret or secret.get("type") != "bootstrap.kubernetes.io/token":
            return None
        data = decoded(secret)
        same = hmac.compare_digest(data.get("token-secret", "").encode(), parts[2].encode())
        if not same or data.get("usage-bootstrap-authentication") != "true" or is_expired(data):
            return None
        extra = [group.strip() for group in data.get("auth-extra-groups", "").split(",") if group.strip()]
        return User(f"system:bootstrap:{parts[1]}", ("system:bootstrappers", *extra, AUTHENTICATED))

    def _service_account(self, token: str) -> User | None:
        claims = self._tokens.verify(token) if self._tokens else None
        if not claims:
            return None
        namespace, name = claims["namespace"], claims["name"]
        account = self._store.get(("", "serviceaccounts"), namespace, name)
        if not account or account["metadata"]["uid"] != claims["uid"]:
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
        return User(f"system:serviceaccount:{namespace}:{name}", groups, claims["uid"])


def _certified(certificate: Any) -> User:
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in pairs if key == "commonName"), "")
    groups = tuple(value for key, value in pairs if key == "organizationName")
    return User(name, (*groups, AUTHENTICATED))


def decoded(secret: Obj) -> dict[str, str]:
    """A Secret's data as text."""
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in (secret.get("data") or {}).items()}


def is_expired(data: dict[str, str]) -> bool:
    """Whether a bootstrap token's `expiration` has passed; one that cannot be read counts as passed."""
    if not data.get("expiration"):
        return False
    try:
        return age_seconds(data["expiration"]) >= 0
    except ValueError:
        return True
