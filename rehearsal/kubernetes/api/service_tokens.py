"""ServiceAccount tokens: RS256 JWTs signed with the cluster's service account key.

Stands in for the TokenRequest API.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .errors import bad_request
from .objects import Obj, dig, name_of, namespace_of, timestamp, uid_of

SHORTEST_S, USUAL_S = 600, 3600


def encode_part(data: bytes) -> str:
    """base64url without padding, as in JWS."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class ServiceTokens:
    """Makes and checks tokens with one RSA key."""

    def __init__(self, key_file: Path, issuer: str) -> None:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            message = f"{key_file} holds no RSA key; the stand-in signs ServiceAccount tokens with RSA only"
            raise ValueError(message)
        self._key = key
        self._issuer = issuer

    def issue(self, account: Obj, request: Obj) -> Obj:
        """Answer a TokenRequest for that ServiceAccount: the same object with a status."""
        wanted = dig(request, "spec.expirationSeconds", USUAL_S)
        if wanted < SHORTEST_S:
            raise bad_request("spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes")
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": dig(request, "spec.audiences") or [self._issuer],
            "sub": f"system:serviceaccount:{namespace_of(account)}:{name_of(account)}",
            "iat": now,
            "nbf": now,
            "exp": now + wanted,
            "kubernetes.io": {
                "namespace": namespace_of(account),
                "serviceaccount": {"name": name_of(account), "uid": uid_of(account)},
            },
        }
        ends = timestamp(datetime.now(UTC) + timedelta(seconds=wanted))
        return {**request, "status": {"token": self._sign(claims), "expirationTimestamp": ends}}

    def verify(self, token: str) -> dict[str, str] | None:
        """Namespace, name and uid of the account that a valid token is for; None for any other text."""
        try:
            head, body, signature = token.split(".")
            signed = f"{head}.{body}".encode()
            public = self._key.public_key()
            public.verify(decode_part(signature), signed, padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(decode_part(body))
            account = claims["kubernetes.io"]["serviceaccount"]
            namespace = claims["kubernetes.io"]["namespace"]
        except (ValueError, KeyError, TypeError, binascii.Error, InvalidSignature):
            return None
        if claims.get("iss") != self._issuer or claims.get("exp", 0) < time.time():
            return None
        return {"namespace": namespace, "name": account["name"], "uid": account["uid"]}

    def _sign(self, claims: dict[str, Any]) -> str:
        head = encode_part(json.dumps({"alg": "RS256", "typ": "JWT"}).encode())
        body = encode_part(json.dumps(claims, separators=(",", ":")).encode())
        signature = self._key.sign(f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{head}.{body}.{encode_part(signature)}"
