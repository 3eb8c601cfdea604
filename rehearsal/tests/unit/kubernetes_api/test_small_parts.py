"""Ages, flags, tokens, names."""

from __future__ import annotations

import pytest

from rehearsal.kubernetes.api.ages import duration
from rehearsal.kubernetes.api.controllers.tokens import signature
from rehearsal.kubernetes.api.defaults_pod import pull_policy, quality_class
from rehearsal.kubernetes.api.flags import FlagError, parse, seconds
from rehearsal.kubernetes.api.resources import Registry
from rehearsal.kubernetes.api.schema import unknown_fields

DAY = 86400


@pytest.mark.parametrize(
    ("elapsed", "shown"),
    [
        (45, "45s"),
        (119, "119s"),
        (125, "2m5s"),
        (720, "12m"),
        (4 * 3600 + 300, "4h5m"),
        (26 * 3600, "26h"),
        (3 * DAY + 3600, "3d1h"),
        (40 * DAY, "40d"),
        (3 * 365 * DAY + DAY, "3y1d"),
    ],
)
def test_ages_are_as_short_as_kubectls(elapsed: float, shown: str) -> None:
    assert duration(elapsed) == shown


@pytest.mark.parametrize(("text", "value"), [("40s", 40), ("1m30s", 90), ("8760h0m0s", 8760 * 3600), ("500ms", 0.5)])
def test_go_durations_are_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["40", "s", "4x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(FlagError):
        seconds(text)


def test_flags_come_with_and_without_an_equals_sign_and_unknown_ones_are_refused() -> None:
    flags = parse("controller-manager", ["--kubeconfig", "/k", "--allocate-node-cidrs", "--leader-elect=true"])
    assert (flags.text("kubeconfig"), flags.truth("allocate-node-cidrs")) == ("/k", True)
    with pytest.raises(FlagError, match="unknown flag: --no-such"):
        parse("scheduler", ["--kubeconfig=/k", "--no-such=1"])
    with pytest.raises(FlagError, match="--kubeconfig is required"):
        parse("scheduler", [])


KUBEADM_FLAGS = {
    "apiserver": """--advertise-address=10.0.0.1 --allow-privileged=true --authorization-mode=Node,RBAC
        --client-ca-file=/c --enable-admission-plugins=NodeRestriction --enable-bootstrap-token-auth=true
        --etcd-cafile=/c --etcd-certfile=/c --etcd-keyfile=/c --etcd-servers=https://127.0.0.1:2379
        --kubelet-client-certificate=/c --kubelet-client-key=/c
        --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname --proxy-client-cert-file=/c
        --proxy-client-key-file=/c --requestheader-allowed-names=front-proxy-client --requestheader-client-ca-file=/c
        --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group
        --requestheader-username-headers=X-Remote-User --secure-port=6443
        --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file=/c
        --service-account-signing-key-file=/c --service-cluster-ip-range=10.96.0.0/12 --tls-cert-file=/c
        --tls-private-key-file=/c""",
    "controller-manager": """--allocate-node-cidrs=true --authentication-kubeconfig=/c --authorization-kubeconfig=/c
        --bind-address=127.0.0.1 --client-ca-file=/c --cluster-cidr=10.244.0.0/16 --cluster-name=kubernetes
        --cluster-signing-cert-file=/c --cluster-signing-key-file=/c --controllers=*,bootstrapsigner,tokencleaner
        --kubeconfig=/c --leader-elect=true --requestheader-client-ca-file=/c --root-ca-file=/c
        --service-account-private-key-file=/c --service-cluster-ip-range=10.96.0.0/12
        --use-service-account-credentials=true""",
    "scheduler": """--authentication-kubeconfig=/c --authorization-kubeconfig=/c --bind-address=127.0.0.1
        --kubeconfig=/c --leader-elect=true""",
    "etcd": """--advertise-client-urls=https://10.0.0.1:2379 --cert-file=/c --client-cert-auth=true
        --data-dir=/var/lib/etcd --initial-advertise-peer-urls=https://10.0.0.1:2380
        --initial-cluster=cp1=https://10.0.0.1:2380 --key-file=/c --listen-client-urls=https://127.0.0.1:2379
        --listen-metrics-urls=http://127.0.0.1:2381 --listen-peer-urls=https://10.0.0.1:2380 --name=cp1
        --peer-cert-file=/c --peer-client-cert-auth=true --peer-key-file=/c --peer-trusted-ca-file=/c
        --snapshot-count=10000 --trusted-ca-file=/c""",
}


@pytest.mark.parametrize("role", KUBEADM_FLAGS)
def test_the_command_lines_of_kubeadms_manifests_are_accepted(role: str) -> None:
    assert parse(role, KUBEADM_FLAGS[role].split()).role == role


def test_the_signature_of_cluster_info_is_the_one_that_kubeadm_checks() -> None:
    # Made with OpenSSL: HMAC-SHA256 over b64url({"alg":"HS256","kid":"abcdef"}).b64url("content").
    assert signature("content", "abcdef", "0123456789abcdef") == (
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..psz1NayrXM3IaFzKZGsb5n_mBl7MjtlsZ1xE8MRmF_4"
    )


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.29", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx@sha256:ab", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_the_quality_class_follows_requests_and_limits() -> None:
    both = {"cpu": "1", "memory": "1Gi"}
    assert quality_class({"containers": [{"resources": {}}]}) == "BestEffort"
    assert quality_class({"containers": [{"resources": {"requests": {"cpu": "1"}}}]}) == "Burstable"
    assert quality_class({"containers": [{"resources": {"requests": both, "limits": both}}]}) == "Guaranteed"


def test_unknown_fields_are_found_in_depth_and_custom_kinds_are_left_alone() -> None:
    deployment = Registry().find("apps", "v1", "deployments")
    obj = {
        "kind": "Deployment",
        "metadata": {"name": "d", "lables": {}},
        "spec": {"replica": 1, "template": {"spec": {"containers": [{"name": "c", "imagePolicy": "x"}]}}},
    }
    assert unknown_fields(deployment, obj) == [
        "metadata.lables",
        "spec.replica",
        "spec.template.spec.containers[0].imagePolicy",
    ]
