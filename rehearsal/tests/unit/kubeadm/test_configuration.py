"""Configuration files: the real v1beta4 and nothing else, with kubeadm's words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rehearsal.kubernetes.kubeadm import defaults
from rehearsal.kubernetes.kubeadm.cli import main
from rehearsal.kubernetes.kubeadm.config import InitSettings, load_init, load_join, load_reset
from rehearsal.kubernetes.kubeadm.schema import ConfigError, documents
from rehearsal.tests.unit.kubeadm.conftest import INIT, JOIN

REFERENCE = {
    "initDefaults": """\
apiVersion: kubeadm.k8s.io/v1beta4
bootstrapTokens:
- groups: ["system:bootstrappers:kubeadm:default-node-token"]
  token: abcdef.0123456789abcdef
  ttl: 24h0m0s
  usages: [signing, authentication]
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 1.2.3.4, bindPort: 6443}
nodeRegistration:
  criSocket: unix:///var/run/containerd/containerd.sock
  imagePullPolicy: IfNotPresent
  imagePullSerial: true
  name: node
  taints: null
timeouts:
  controlPlaneComponentHealthCheck: 4m0s
  discovery: 5m0s
  etcdAPICall: 2m0s
  kubeletHealthCheck: 4m0s
  kubernetesAPICall: 1m0s
  tlsBootstrap: 5m0s
  upgradeManifests: 5m0s
---
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificateValidityPeriod: 8760h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controllerManager: {}
dns: {}
encryptionAlgorithm: RSA-2048
etcd: {local: {dataDir: /var/lib/etcd}}
imageRepository: registry.k8s.io
kind: ClusterConfiguration
kubernetesVersion: 1.36.0
networking: {dnsDomain: cluster.local, serviceSubnet: 10.96.0.0/12}
proxy: {}
scheduler: {}
"""
}


def refusal(text: str, load: Callable[[str], object], written: Callable[[str], str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(text))
    return str(caught.value)


def test_what_kubeadm_itself_prints_as_defaults_is_accepted() -> None:
    assert len(documents(REFERENCE["initDefaults"])) == 2


def test_the_defaults_are_kubeadms_own(root: Path) -> None:
    first, cluster = yaml.safe_load_all(REFERENCE["initDefaults"])
    made = defaults.init()
    assert made["timeouts"] == first["timeouts"]
    assert {**made["nodeRegistration"], "name": "node", "taints": None} == first["nodeRegistration"]
    assert [defaults.bootstrap_token("abcdef.0123456789abcdef")] == first["bootstrapTokens"]
    assert {**defaults.cluster(), "kubernetesVersion": "1.36.0"} == cluster


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("certSANs:", "certSANS:", 'strict decoding error: unknown field "apiServer.certSANS"'),
        ("podSubnet:", "podCIDR:", 'strict decoding error: unknown field "networking.podCIDR"'),
        ("kubeadm.k8s.io/v1beta4\nkind: Cluster", "kubeadm.k8s.io/v1beta3\nkind: Cluster", "deprecated API spec"),
        ("kubeadm.k8s.io/v1beta4\nkind: Cluster", "kubeadm.k8s.io/v1beta2\nkind: Cluster", "uses an old API spec"),
        ("kind: ClusterConfiguration", "kind: ClusterConfig", 'no kind "ClusterConfig" is registered for version'),
        ("kind: ClusterConfiguration\n", "", "kind and apiVersion is mandatory"),
        ("clusterName: lab", "clusterName: lab\nclusterName: lab2", 'key "clusterName" already set in map'),
        (
            "clusterName: lab",
            "clusterName: [lab]",
            "cannot unmarshal array into Go struct field clusterName of type string",
        ),
        (
            "    - {name: node-ip, value: 10.1.0.12}",
            "    node-ip: 10.1.0.12",
            "cannot unmarshal object into Go struct field",
        ),
        ("1.36.4", "1.30.1", "only supports deploying clusters with the control plane version >= 1.35.0"),
        ("1.36.4", "latest-ish", "doesn't match patterns for neither semantic version"),
        ("10.244.0.0/16", "10.244.0.0/40", "couldn't parse subnet"),
        ("advertiseAddress: 10.1.0.12", "advertiseAddress: cp1", "localAPIEndpoint.advertiseAddress: Invalid value"),
        ("advertiseAddress: 10.1.0.12", "advertiseAddress: 127.0.0.1", 'cannot use "127.0.0.1" as the bind address'),
        ("name: cp1", "name: cp_1", "a lowercase RFC 1123 subdomain"),
        ("clusterName: lab", "clusterName: lab\nfeatureGates: {Nonsense: true}", "is not a valid feature name"),
    ],
)
def test_init_refuses(old: str, new: str, message: str, written: Callable[[str], str]) -> None:
    assert old in INIT
    assert message in refusal(INIT.replace(old, new, 1), load_init, written)


def test_a_duration_must_be_one(written: Callable[[str], str]) -> None:
    text = INIT.replace("nodeRegistration:", "timeouts: {discovery: 5 minutes}\nnodeRegistration:")
    assert 'invalid duration "5 minutes"' in refusal(text, load_init, written)


def test_an_unknown_kubelet_field_is_refused(written: Callable[[str], str]) -> None:
    text = f"{INIT}---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailSwap: true\n"
    assert 'unknown field "failSwap"' in refusal(text, load_init, written)


def test_a_missing_file_is_named(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"open /etc/x\.yaml: no such file or directory"):
        load_init("/etc/x.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("abcdef.0123456789abcdef", "abcdef.0123", "was not of the form"),
        ("sha256:", "md5:", "invalid public key hash"),
        ('    caCertHashes: ["sha256:%s"]\n' % ("0" * 64), "", "without caCertHashes can be unsafe"),
        ("10.1.0.12:6443", "10.1.0.12", "missing port in address"),
        ("kind: JoinConfiguration", "kind: ResetConfiguration", "unknown field"),
        ("discovery:", "patches: {directory: /x}\ndiscovery:", "does not serve patches"),
        ("discovery:", "caCert: x\ndiscovery:", 'unknown field "caCert"'),
    ],
)
def test_join_refuses(old: str, new: str, message: str, written: Callable[[str], str]) -> None:
    assert old in JOIN
    assert message in refusal(JOIN.replace(old, new, 1), lambda path: load_join(path, {}), written)


def test_taints_are_kubeadms_unless_an_empty_list_is_written(written: Callable[[str], str]) -> None:
    taints = load_init(written(INIT)).init["nodeRegistration"]["taints"]
    none = load_init(written(INIT.replace("  name: cp1", "  name: cp1\n  taints: []"))).init["nodeRegistration"][
        "taints"
    ]
    assert (taints, none) == ([defaults.CONTROL_PLANE_TAINT], [])


def test_the_images_are_the_references(settings: InitSettings) -> None:
    assert defaults.images(settings.cluster) == [
        "registry.k8s.io/kube-apiserver:v1.36.4",
        "registry.k8s.io/kube-controller-manager:v1.36.4",
        "registry.k8s.io/kube-scheduler:v1.36.4",
        "registry.k8s.io/kube-proxy:v1.36.4",
        "registry.k8s.io/coredns/coredns:v1.14.2",
        "registry.k8s.io/pause:3.10.2",
        "registry.k8s.io/etcd:3.6.8-0",
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("clusterName: lab", "clusterName: lab\ndns: {disabled: true}", "dns.disabled"),
        ("  name: cp1", "  name: cp1\n  ignorePreflightErrors: [Swap]", "ignorePreflightErrors"),
    ],
)
def test_what_the_stand_in_does_not_serve_is_refused(
    old: str, new: str, what: str, written: Callable[[str], str]
) -> None:
    assert f"the stand-in kubeadm does not serve {what}" in refusal(INIT.replace(old, new, 1), load_init, written)


RESET = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\n"


def test_reset_takes_force_beside_a_file_for_a_mistake(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reset", "--force", "--config", "/etc/kubernetes/reset.yaml"]) == 1
    assert "can not mix '--config' with arguments [force]" in capsys.readouterr().err


def test_reset_asks_nobody(written: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reset", "--config", written(RESET)]) == 1
    assert "won't proceed" in capsys.readouterr().err
    assert "unmountFlags" in refusal(f"{RESET}unmountFlags: [DETACH]\n", load_reset, written)


@pytest.mark.parametrize("words", [["config", "images", "list"], ["certs", "renew", "all"], ["token", "list"]])
def test_a_command_that_nobody_calls_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert "This kubeadm is a stand-in of the rehearsal" in capsys.readouterr().err


def test_an_unknown_flag_ends_with_cobras_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["init", "--config=x", "--pod-network=10.0.0.0/8"])
    assert "error: unknown flag: --pod-network" in capsys.readouterr().err


def test_a_bootstrap_token_without_a_token_gets_a_fresh_one(written: Callable[[str], str]) -> None:
    text = INIT.replace("nodeRegistration:", "bootstrapTokens: [{ttl: 15m0s}]\nnodeRegistration:")
    first, second = (load_init(written(text)).init["bootstrapTokens"][0] for _ in range(2))
    assert (first["ttl"], first["usages"]) == ("15m0s", ["signing", "authentication"])
    assert len(first["token"]) == 23
    assert first["token"] != second["token"]
