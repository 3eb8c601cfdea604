"""Bootstrap tokens and the signature over cluster-info: only the same token over the same content verifies."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from rehearsal.kubernetes.kubeadm import discovery, duration, tokens
from rehearsal.kubernetes.kubeadm.output import CommandError
from rehearsal.kubernetes.node.api import UnreachableError

TOKEN = "abcdef.0123456789abcdef"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_signature_verifies_only_with_its_token_and_content() -> None:
    jws = tokens.signature("kubeconfig", TOKEN)
    assert tokens.is_signed(jws, "kubeconfig", TOKEN)
    assert not tokens.is_signed(jws, "kubeconfig!", TOKEN)
    assert not tokens.is_signed(jws, "kubeconfig", "abcdef.0123456789abcdee")
    assert not tokens.is_signed("", "kubeconfig", TOKEN)


def test_a_signature_is_the_jws_that_others_make() -> None:
    # header {"alg":"HS256","kid":"abcdef"}; value from an independent implementation of RFC 7515
    expected_header = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9"
    assert tokens.signature("x", TOKEN).partition("..")[0] == expected_header


def test_a_token_becomes_the_secret_that_the_api_server_looks_for() -> None:
    secret = tokens.secret({"token": TOKEN, "ttl": "15m"}, NOW)
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert secret["metadata"] == {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    assert secret["type"] == "bootstrap.kubernetes.io/token"
    assert data["expiration"] == "2026-11-23T12:15:00Z"
    assert data["usage-bootstrap-authentication"] == data["usage-bootstrap-signing"] == "true"
    assert data["auth-extra-groups"] == "system:bootstrappers:kubeadm:default-node-token"


def test_a_token_without_an_end_has_no_expiration() -> None:
    assert "expiration" not in tokens.secret({"token": TOKEN, "ttl": "0"}, NOW)["data"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("4m0s", 240), ("1h30m", 5400), ("250ms", 0.25), ("0", 0), ("1.5h", 5400)]
)
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "five", "5 m", "5mins"])
def test_what_go_would_not_parse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        duration.seconds(text)


def settings(**bootstrap: Any) -> dict[str, Any]:
    token = {"token": TOKEN, "apiServerEndpoint": "10.1.0.12:6443", **bootstrap}
    return {"discovery": {"bootstrapToken": token}, "timeouts": {"discovery": "0s"}}


class Server:
    """An API server that answers with one cluster-info."""

    info: ClassVar[dict[str, Any]] = {}

    def __init__(self, *_: Any, **__: Any) -> None:
        """As the real client is made."""

    def get(self, path: str) -> dict[str, Any]:
        if not self.info:
            raise UnreachableError(f'Get "{path}": connect: connection refused')
        return {"data": self.info}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    monkeypatch.setattr(discovery, "Api", Server)
    monkeypatch.setattr(Server, "info", {})
    return Server


def test_a_token_that_signed_nothing_is_refused(server: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "info", {"kubeconfig": "x", "jws-kubeconfig-other1": "y"})
    with pytest.raises(
        CommandError, match='could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"'
    ):
        discovery.find(settings())


def test_a_signature_by_another_secret_is_refused(server: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    forged = tokens.signature("x", "abcdef.ffffffffffffffff")
    monkeypatch.setattr(server, "info", {"kubeconfig": "x", "jws-kubeconfig-abcdef": forged})
    with pytest.raises(CommandError, match="failed to verify JWS signature"):
        discovery.find(settings())


def test_a_silent_address_is_refused(server: type[Server]) -> None:
    with pytest.raises(CommandError, match="connection refused"):
        discovery.find(settings())
