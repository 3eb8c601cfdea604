"""Finding the cluster with a token: cluster-info read by nobody in particular, its signature and the CA checked."""

from __future__ import annotations

import base64
import time
from typing import Any

import yaml

from rehearsal.kubernetes.node import x509
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError

from . import duration, tokens
from .output import CommandError, phase

Object = dict[str, Any]
INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
RETRY_S = 2.0
WHERE = "couldn't validate the identity of the API Server"


def find(settings: Object) -> tuple[str, bytes]:
    """The API's URL and its CA. Raises CommandError with kubeadm's words for a wrong token, hash or address."""
    bootstrap = settings["discovery"]["bootstrapToken"]
    endpoint, token = bootstrap["apiServerEndpoint"], bootstrap["token"]
    api = Api(f"https://{endpoint}", verify=False)
    info = _wait(api, token, duration.seconds(settings["timeouts"]["discovery"]))
    text = info["data"]["kubeconfig"]
    jws = info["data"].get(f"jws-kubeconfig-{token.partition('.')[0]}", "")
    if not tokens.is_signed(jws, text, token):
        raise _refused("failed to verify JWS signature of received cluster info object, can't trust this API Server")
    cluster = yaml.safe_load(text)["clusters"][0]["cluster"]
    ca = base64.b64decode(cluster["certificate-authority-data"])
    _check_hash(ca, bootstrap)
    _check_again(endpoint, ca)
    return str(cluster["server"]), ca


def _wait(api: Api, token: str, limit: float) -> Object:
    """cluster-info once it is there and signed with the token; kubeadm waits for both."""
    identity, deadline = token.partition(".")[0], time.monotonic() + limit
    problem = "the condition was not met"
    told = False
    while True:
        try:
            info: Object = api.get(INFO)
            if f"jws-kubeconfig-{identity}" in info["data"]:
                return info
            problem = f'could not find a JWS signature in the cluster-info ConfigMap for token ID "{identity}"'
        except ApiError as error:
            problem = f"failed to request the cluster-info ConfigMap: {error}"
        except UnreachableError as error:
            problem = f"failed to request the cluster-info ConfigMap: {error}"
        if not told:
            phase("discovery", f"{problem}, will try again")
            told = True
        if time.monotonic() + RETRY_S > deadline:
            raise _refused(problem)
        time.sleep(RETRY_S)


def _check_hash(ca: bytes, bootstrap: Object) -> None:
    hashes = bootstrap.get("caCertHashes") or []
    actual = x509.public_key_hash(x509.certificate(ca))
    if hashes and actual not in hashes:
        raise _refused(
            f'cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "{actual}" are pinned'
        )


def _check_again(endpoint: str, ca: bytes) -> None:
    """The same question over TLS that trusts that CA only: the address must have a certificate of it."""
    try:
        Api(f"https://{endpoint}", ca.decode()).get(INFO)
    except (ApiError, UnreachableError) as error:
        raise _refused(f"could not fetch cluster-info with the cluster's CA: {error}") from None


def _refused(why: str) -> CommandError:
    return CommandError(f"error execution phase preflight: {WHERE}: {why}")
