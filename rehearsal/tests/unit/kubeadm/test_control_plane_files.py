"""What `init` writes: certificates that verify, kubeconfigs that log in as whom they say, manifests with real flags."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.kubernetes.kubeadm import certs, kubeconfigs, staticpods
from rehearsal.kubernetes.kubeadm.config import InitSettings, load_init
from rehearsal.kubernetes.kubeadm.init import join_command
from rehearsal.kubernetes.node import x509 as lab_x509
from rehearsal.tests.unit.kubeadm.conftest import INIT


def certificate(root: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((root / f"etc/kubernetes/pki/{name}.crt").read_bytes())


@pytest.fixture
def pki(settings: InitSettings, root: Path) -> Path:
    settings.cluster["encryptionAlgorithm"] = "ECDSA-P256"  # a hundred times faster to make than RSA
    certs.make(settings)
    return root


def test_the_api_certificate_names_every_way_to_it(pki: Path) -> None:
    names = certificate(pki, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "cp1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "api.lab",
    }
    assert {str(a) for a in names.get_values_for_type(x509.IPAddress)} == {"10.96.0.1", "10.1.0.12", "192.0.2.101"}


@pytest.mark.parametrize(
    ("name", "authority"),
    [
        ("apiserver", "ca"),
        ("apiserver-kubelet-client", "ca"),
        ("front-proxy-client", "front-proxy-ca"),
        ("etcd/server", "etcd/ca"),
        ("etcd/peer", "etcd/ca"),
        ("apiserver-etcd-client", "etcd/ca"),
    ],
)
def test_each_certificate_is_signed_by_its_authority(name: str, authority: str, pki: Path) -> None:
    certificate(pki, name).verify_directly_issued_by(certificate(pki, authority))


def test_a_serving_certificate_is_no_client_certificate(pki: Path) -> None:
    purposes = certificate(pki, "apiserver").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_keys_are_rsa_by_default() -> None:
    key = lab_x509.new_key()
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048


def test_keys_are_their_owners_only(pki: Path) -> None:
    keys = [*pki.rglob("*.key")]
    assert len(keys) == 11
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_a_second_run_keeps_the_authority(pki: Path, settings: InitSettings) -> None:
    before = certificate(pki, "ca").serial_number
    certs.make(settings)
    assert certificate(pki, "ca").serial_number == before


@pytest.mark.parametrize(
    ("file", "user", "group"),
    [
        ("admin.conf", "kubernetes-admin", "kubeadm:cluster-admins"),
        ("super-admin.conf", "kubernetes-super-admin", "system:masters"),
        ("kubelet.conf", "system:node:cp1", "system:nodes"),
        ("controller-manager.conf", "system:kube-controller-manager", None),
        ("scheduler.conf", "system:kube-scheduler", None),
    ],
)
def test_each_kubeconfig_logs_in_as_its_user(
    file: str, user: str, group: str | None, pki: Path, settings: InitSettings
) -> None:
    kubeconfigs.make(settings)
    place = pki / "etc/kubernetes" / file
    config = yaml.safe_load(place.read_text())
    data = base64.b64decode(config["users"][0]["user"]["client-certificate-data"])
    subject = x509.load_pem_x509_certificate(data).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == user
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ([group] if group else [])
    assert config["clusters"][0]["cluster"]["server"] == "https://10.1.0.12:6443"
    assert place.stat().st_mode & 0o777 == 0o600


def test_the_join_command_pins_the_authority(pki: Path) -> None:
    line = join_command("10.1.0.12:6443", "abcdef.0123456789abcdef")
    assert line.split()[:5] == ["kubeadm", "join", "10.1.0.12:6443", "--token", "abcdef.0123456789abcdef"]
    assert lab_x509.public_key_hash(certificate(pki, "ca")) in line


def test_manifests_carry_kubeadms_flags_and_extra_arguments(written: Callable[[str], str], root: Path) -> None:
    extra = "[{name: bind-address, value: 10.1.0.12}, {name: authorization-mode, value: RBAC}]"
    staticpods.make(load_init(written(INIT.replace("apiServer:", f"apiServer:\n  extraArgs: {extra}"))))
    pod = yaml.safe_load((root / "etc/kubernetes/manifests/kube-apiserver.yaml").read_text())
    command = pod["spec"]["containers"][0]["command"]
    assert command[0] == "kube-apiserver"
    assert {"--advertise-address=10.1.0.12", "--bind-address=10.1.0.12", "--authorization-mode=RBAC"} <= set(command)
    assert "--authorization-mode=Node,RBAC" not in command
    assert pod["spec"]["hostNetwork"] is True


def test_the_controller_manager_hands_out_the_pod_network(settings: InitSettings, root: Path) -> None:
    staticpods.make(settings)
    text = (root / "etc/kubernetes/manifests/kube-controller-manager.yaml").read_text()
    assert "--cluster-cidr=10.244.0.0/16" in text
    assert "--allocate-node-cidrs=true" in text
