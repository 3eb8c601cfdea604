"""CertificateSigningRequests: approve those of joining kubelets, sign what is approved.

Stands in for pkg/controller/certificates/{approver,signer}.
"""

from __future__ import annotations

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..flags import seconds
from ..objects import Obj, dig, name_of, set_condition, timestamp
from ..paths import path_of
from .cluster import Cluster, unless_gone

CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
GENERAL = "kubernetes.io/kube-apiserver-client"
JOINING = "system:bootstrappers:kubeadm:default-node-token"
NODES = "system:nodes"
CLIENT_USAGES = {"key encipherment", "digital signature", "client auth"}
BACKDATE = datetime.timedelta(minutes=5)
EXTENDED = {
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
}


class Certificates:
    """Approves by itself only kubelets' client certificates, and only for the node that the requester may become."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        flags = cluster.flags
        certificate, key = flags.path("cluster-signing-cert-file"), flags.path("cluster-signing-key-file")
        queue = cluster.queue("certificates", self._reconcile)
        self._requests = cluster.on_change("certificatesigningrequests", queue, lambda one: [name_of(one)])
        self._authority = x509.load_pem_x509_certificate(certificate.read_bytes()) if certificate else None
        self._key = serialization.load_pem_private_key(key.read_bytes(), None) if key else None
        self._lifetime = datetime.timedelta(seconds=seconds(flags.text("cluster-signing-duration")))

    def _reconcile(self, name: str) -> None:
        request = self._requests.get("", name)
        if request is None or dig(request, "status.certificate"):
            return
        kinds = {one["type"] for one in dig(request, "status.conditions", [])}
        if kinds & {"Denied", "Failed"}:
            return
        if "Approved" in kinds:
            self._sign(request)
        elif reason := approval_reason(request):
            self._mark(request, "approval", "Approved", "AutoApproved", reason)

    def _mark(self, request: Obj, part: str, kind: str, reason: str, message: str) -> None:
        wanted = {"type": kind, "status": "True", "reason": reason, "message": message, "lastUpdateTime": timestamp()}
        status = {"conditions": set_condition(dig(request, "status.conditions", []), wanted)}
        unless_gone(lambda: self._cluster.client.patch(path_of(request, part), {"status": status}))

    def _sign(self, request: Obj) -> None:
        if request["spec"]["signerName"] not in (CLIENT, SERVING, GENERAL) or not self._authority or not self._key:
            return
        try:
            parsed = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
        except ValueError as error:
            self._mark(request, "status", "Failed", "SignerValidationFailure", f"unable to parse csr: {error}")
            return
        if not parsed.is_signature_valid:
            self._mark(request, "status", "Failed", "SignerValidationFailure", "the request's signature is wrong")
            return
        pem = self._certificate(parsed, request["spec"]).public_bytes(serialization.Encoding.PEM)
        change = {"status": {"certificate": base64.b64encode(pem).decode()}}
        unless_gone(lambda: self._cluster.client.patch(path_of(request, "status"), change))

    def _certificate(self, parsed: x509.CertificateSigningRequest, spec: Obj) -> x509.Certificate:
        assert self._authority is not None  # noqa: S101 - the caller looked
        now = datetime.datetime.now(datetime.UTC)
        lifetime = min(self._lifetime, datetime.timedelta(seconds=spec.get("expirationSeconds") or 10**9))
        usages = [EXTENDED[one] for one in spec["usages"] if one in EXTENDED]
        builder = (
            x509.CertificateBuilder()
            .subject_name(parsed.subject)
            .issuer_name(self._authority.subject)
            .public_key(parsed.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(min(now + lifetime, _end_of(self._authority)))
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        for extension in parsed.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(self._key, hashes.SHA256())  # type: ignore[arg-type]


def _end_of(certificate: x509.Certificate) -> datetime.datetime:
    """When a certificate ends. Debian 12's cryptography (38) knows the naive form only, which newer ones deprecate."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.UTC)


def approval_reason(request: Obj) -> str:
    """Why a request may be approved without a person; "" when it may not."""
    spec = request["spec"]
    if spec["signerName"] != CLIENT or not set(spec["usages"]) <= CLIENT_USAGES or "client auth" not in spec["usages"]:
        return ""
    try:
        parsed = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
    except ValueError:
        return ""
    common = [str(one.value) for one in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(one.value) for one in parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if groups != [NODES] or len(common) != 1 or not common[0].startswith("system:node:"):
        return ""
    if JOINING in spec.get("groups", []):
        return "Auto approving kubelet client certificate after SubjectAccessReview."
    if NODES in spec.get("groups", []) and spec.get("username") == common[0]:
        return "Auto approving self kubelet client certificate after SubjectAccessReview."
    return ""
