"""TLS bootstrap: with the token's kubeconfig the kubelet asks for a client certificate of its own, and keeps it."""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509 as certificates

from . import kubeconfig, log, x509
from .api import Api, ApiError, UnreachableError
from .paths import KUBELET_PKI, real, write

Object = dict[str, Any]
CURRENT = f"{KUBELET_PKI}/kubelet-client-current.pem"
SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ANSWER_S = 300.0


class BootstrapError(Exception):
    """No certificate: refused, or nobody answered in time."""


def credential(path: str, bootstrap: str, name: str, source: str) -> Api:
    """The API with the kubelet's own credential, asked for first when `path` is not there. Raises BootstrapError."""
    if not _usable(path):
        if not real(bootstrap).exists():
            raise BootstrapError(
                f"failed to run Kubelet: unable to load bootstrap kubeconfig: stat {bootstrap}: no such file or "
                f"directory"
            )
        log.info("Bootstrapping client certificate", kubeconfig=bootstrap)
        _bootstrap(path, bootstrap, name, source)
    return kubeconfig.login(path, source)


def _usable(path: str) -> bool:
    """Whether the kubeconfig is there with a certificate that has not ended."""
    if not real(path).exists():
        return False
    pem = real(CURRENT)
    if not pem.exists():
        return True  # kubeadm embedded the control plane's own certificate
    return x509.expires(certificates.load_pem_x509_certificate(pem.read_bytes())) > datetime.now(UTC)


def _bootstrap(path: str, bootstrap: str, name: str, source: str) -> None:
    try:
        api = kubeconfig.login(bootstrap, source)
        server, ca = kubeconfig.server_and_ca(bootstrap)
        key = x509.new_key("ECDSA-P256")
        certificate = request(api, key, name)
    except (ApiError, UnreachableError, kubeconfig.KubeconfigError) as error:
        raise BootstrapError(f"failed to run Kubelet: cannot create certificate signing request: {error}") from None
    stamp = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
    file = write(f"{KUBELET_PKI}/kubelet-client-{stamp}.pem", certificate + x509.key_pem(key), 0o600)
    _point(real(CURRENT), file)
    user = kubeconfig.User("default-auth", CURRENT, CURRENT)
    kubeconfig.save(path, kubeconfig.document(server, ca, user, "default-cluster"))


def _point(link: Path, file: Path) -> None:
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(file)
    draft.replace(link)


def request(api: Api, key: x509.PrivateKey, name: str) -> bytes:
    """Ask, and wait for the signed certificate (PEM). Raises ApiError, UnreachableError or BootstrapError."""
    pem = x509.request(key, x509.name(f"system:node:{name}", ["system:nodes"]))
    spec = {
        "request": base64.b64encode(pem).decode(),
        "signerName": SIGNER,
        "usages": ["digital signature", "client auth"],
    }
    metadata = {"name": f"csr-{uuid.uuid4().hex[:5]}"}
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": metadata,
        "spec": spec,
    }
    api.create(REQUESTS, body)
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        status: Object = api.get(f"{REQUESTS}/{metadata['name']}").get("status") or {}
        if status.get("certificate"):
            return base64.b64decode(status["certificate"])
        refused = [c for c in status.get("conditions") or [] if c["type"] in ("Denied", "Failed")]
        if refused:
            raise BootstrapError(
                f"certificate signing request was {refused[0]['type'].lower()}: {refused[0].get('message', '')}"
            )
        time.sleep(0.2)
    raise BootstrapError("timed out waiting for the certificate signing request to be approved and signed")
