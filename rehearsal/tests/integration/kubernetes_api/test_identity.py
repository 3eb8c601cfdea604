"""Who may do what: bootstrap tokens, kubelets, ServiceAccounts, nobody; and how a kubelet gets its certificate."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.kubernetes.api.client import Client
from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.tests.integration.kubernetes_api.control_plane import ADMINS, ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet
from rehearsal.tests.integration.kubernetes_api.pki import key_pem

pytestmark = pytest.mark.network

ID, SECRET = "abcdef", "0123456789abcdef"
KUBECONFIG = "apiVersion: v1\nkind: Config\n"


def _token(plane: ControlPlane, token_id: str, lives: timedelta) -> Path:
    """Store a bootstrap token as kubeadm does; a kubeconfig that carries it."""
    moment = (datetime.now(UTC) + lives).strftime("%Y-%m-%dT%H:%M:%SZ")
    manifest = f"""
apiVersion: v1
kind: Secret
type: bootstrap.kubernetes.io/token
metadata: {{name: bootstrap-token-{token_id}, namespace: kube-system}}
stringData:
  token-id: {token_id}
  token-secret: {SECRET}
  expiration: "{moment}"
  usage-bootstrap-authentication: "true"
  usage-bootstrap-signing: "true"
  auth-extra-groups: system:bootstrappers:kubeadm:default-node-token
"""
    plane.apply(manifest)
    return plane.pki.write_kubeconfig(f"token-{token_id}.conf", plane.server, {"token": f"{token_id}.{SECRET}"})


@pytest.fixture
def joining(plane: ControlPlane) -> Path:
    return _token(plane, ID, timedelta(minutes=15))


def _client(plane: ControlPlane, user: dict[str, str]) -> Client:
    """Plain requests as that user; kubectl would ask a nameless one for a password."""
    return Client.from_kubeconfig(plane.pki.write_kubeconfig("plain.conf", plane.server, user))


def _request(name: str, key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    pem = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    encoded = base64.b64encode(pem.public_bytes(serialization.Encoding.PEM)).decode()
    return f"""
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {name}}}
spec:
  request: {encoded}
  signerName: kubernetes.io/kube-apiserver-client-kubelet
  usages: [digital signature, client auth]
"""


def test_kubeadms_administrators_have_no_right_that_nobody_bound_them_to(plane: ControlPlane) -> None:
    """Between an API server that answers and the end of `kubeadm init` lies this moment."""
    plane.kubectl("delete", "clusterrolebinding", ADMINS, kubeconfig=plane.super_admin)
    try:
        assert plane.kubectl("get", "--raw=/readyz") == "ok"
        refused = plane.try_kubectl("get", "configmap", "kubeadm-config", "-n", "kube-system").stderr
    finally:
        plane.bind_admins()
    assert refused == (
        'Error from server (Forbidden): configmaps "kubeadm-config" is forbidden: User "kubernetes-admin" cannot get '
        'resource "configmaps" in API group "" in the namespace "kube-system"\n'
    )
    assert "NotFound" in plane.try_kubectl("get", "configmap", "kubeadm-config", "-n", "kube-system").stderr


def test_a_joining_kubelet_gets_a_certificate_that_the_server_accepts_for_its_own_node_only(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], joining: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plane.kubectl("create", "-f", "-", stdin=_request("join-w9", key, "system:node:w9"), kubeconfig=joining)
    issued = eventually(lambda: plane.json("get", "csr", "join-w9").get("status", {}).get("certificate"))
    assert [one["type"] for one in plane.json("get", "csr", "join-w9")["status"]["conditions"]] == ["Approved"]
    user = {"client-certificate-data": issued, "client-key-data": base64.b64encode(key_pem(key)).decode()}
    kubelet = plane.pki.write_kubeconfig("w9.conf", plane.server, user)
    refused = plane.try_kubectl("label", "node", "w1", "mine=yes", kubeconfig=kubelet)
    assert 'User "system:node:w9" cannot get resource "nodes"' in refused.stderr
    assert "node 'w9' cannot read 'w1', only its own Node object" in refused.stderr


def test_a_request_for_another_subject_is_approved_by_nobody(plane: ControlPlane, joining: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plane.kubectl("create", "-f", "-", stdin=_request("odd", key, "somebody"), kubeconfig=joining)
    assert not plane.json("get", "csr", "odd").get("status")


def test_cluster_info_is_signed_with_the_token_and_readable_by_anybody(plane: ControlPlane, joining: Path) -> None:
    plane.apply_object("ConfigMap", "cluster-info", "kube-public", data={"kubeconfig": KUBECONFIG})
    nobody = _client(plane, {})
    path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    signed = eventually(lambda: nobody.get(path)["data"].get(f"jws-kubeconfig-{ID}"))
    head, middle, signature = signed.split(".")
    assert middle == ""
    payload = base64.urlsafe_b64encode(KUBECONFIG.encode()).rstrip(b"=").decode()
    wanted = hmac.new(SECRET.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)) == wanted
    plane.kubectl("delete", "configmap", "cluster-info", "-n", "kube-public")


def test_a_token_that_has_expired_is_refused_and_cleaned_away(plane: ControlPlane) -> None:
    late = _token(plane, "fedcba", timedelta(seconds=2))
    eventually(lambda: plane.try_kubectl("get", "csr", kubeconfig=late).returncode != 0)
    assert "Unauthorized" in plane.try_kubectl("get", "--raw=/api", kubeconfig=late).stderr
    name = ("secret", "bootstrap-token-fedcba", "-n", "kube-system")
    eventually(lambda: "NotFound" in plane.try_kubectl("get", *name).stderr)


@pytest.mark.parametrize(
    ("user", "who"), [({"token": f"{ID}.{SECRET}"}, f"system:bootstrap:{ID}"), ({}, "system:anonymous")]
)
def test_joining_machines_and_nobody_read_no_secrets(
    plane: ControlPlane, joining: Path, user: dict[str, str], who: str
) -> None:
    with pytest.raises(ApiError) as refused:
        _client(plane, user).get("/api/v1/namespaces/kube-system/secrets")
    assert refused.value.code == 403
    assert refused.value.message == (
        f'secrets is forbidden: User "{who}" cannot list resource "secrets" in API group "" '
        'in the namespace "kube-system"'
    )


ROLE = """
apiVersion: v1
kind: ServiceAccount
metadata: {{name: robot, namespace: {namespace}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {namespace}}}
rules: [{{apiGroups: [""], resources: [pods], verbs: [get, list]}}]
"""
ROLE_BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: reader, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: robot, namespace: {namespace}}}]
"""


def test_a_service_account_may_do_what_its_role_says_and_no_more(plane: ControlPlane, namespace: str) -> None:
    plane.apply(ROLE.format(namespace=namespace))
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/robot/token"
    token = Client.from_kubeconfig(plane.admin).create(path, {})["status"]["token"]
    robot = plane.pki.write_kubeconfig("robot.conf", plane.server, {"token": token})
    refused = plane.try_kubectl("get", "pods", "-n", namespace, kubeconfig=robot)
    assert f'User "system:serviceaccount:{namespace}:robot" cannot list resource "pods"' in refused.stderr
    plane.apply(ROLE_BINDING.format(namespace=namespace))
    plane.kubectl("get", "pods", "-n", namespace, kubeconfig=robot)
    assert "cannot delete" in plane.try_kubectl("delete", "pod", "p", "-n", namespace, kubeconfig=robot).stderr


def test_a_kubelet_may_not_make_pods_or_change_those_of_another_node(
    plane: ControlPlane, kubelets: dict[str, FakeKubelet], namespace: str
) -> None:
    kubelet = plane.pki.folder / "w1.conf"
    made = plane.try_kubectl("run", "p", "--image=nginx:1.29", "-n", namespace, kubeconfig=kubelet)
    words = 'pod does not have "kubernetes.io/config.mirror" annotation, node "w1" can only create mirror pods'
    assert words in made.stderr
    manifest = (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: elsewhere, namespace: {namespace}}}\n"
        "spec: {nodeName: w2, containers: [{name: c, image: 'nginx:1.29'}]}"
    )
    plane.apply(manifest)
    refused = plane.try_kubectl("delete", "pod", "elsewhere", "-n", namespace, kubeconfig=kubelet)
    assert 'node "w1" can only delete pods with spec.nodeName set to itself' in refused.stderr
