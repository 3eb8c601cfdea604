"""The cluster's own pods, and what its API server shows to who connects."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509

from labkit.errors import LabError
from labkit.k8s import apicertificate
from labkit.session import Session
from labkit.verify import system
from tests.labs import described
from tests.unit.verify.fakes import FakeCluster, by_name, certificate, failed

Show = Callable[..., None]


@pytest.fixture
def shows(session: Session, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Let the API server show a certificate of so many days, for some of the control plane's networks."""

    def show(days: int = 365, networks: tuple[str, ...] = ("mgmt", "internal", "external")) -> None:
        addresses = [getattr(session.lab.control_plane, network).address for network in networks]
        made = certificate(days, addresses)
        monkeypatch.setattr(apicertificate, "fetch", lambda address: made)

    show()
    return show


def test_all_is_well(cluster: FakeCluster, shows: Show) -> None:
    assert [(row.name, row.result) for row in system.check(cluster)] == [
        ("system pods are ready", "ok"),
        ("certificate of the API server", "ok"),
    ]


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed"}, "Failed"),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "Ready is False"),
        ({"conditions": []}, "Ready is unknown"),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}, "CrashLoopBackOff"),
    ],
)
def test_a_system_pod_that_is_not_well(cluster: FakeCluster, shows: Show, status: dict[str, Any], seen: str) -> None:
    cluster.facts.system["coredns"] = status
    rows = system.check(cluster)
    assert failed(rows) == ["system pods are ready"]
    assert rows[0].measured == f"coredns on w2: {seen}"
    assert "describe pod coredns" in rows[0].detail


def test_what_has_done_its_work_counts_as_well(cluster: FakeCluster, shows: Show) -> None:
    cluster.facts.system["job"] = {"phase": "Succeeded", "conditions": []}
    assert by_name(system.check(cluster))["system pods are ready"].result == "ok"


def test_a_cluster_without_pods_of_its_own_has_not_proven_them(cluster: FakeCluster, shows: Show) -> None:
    cluster.facts.system.clear()
    assert by_name(system.check(cluster))["system pods are ready"].measured == "there are none"


def test_a_certificate_that_ends_soon(cluster: FakeCluster, shows: Show) -> None:
    shows(days=3)
    row = by_name(system.check(cluster))["certificate of the API server"]
    assert (row.result, "kubeadm certs renew all" in row.measured) == ("failed", True)


def test_a_certificate_without_the_address_that_clients_use(
    cluster: FakeCluster, shows: Show, session: Session
) -> None:
    shows(networks=("mgmt", "internal"))
    row = by_name(system.check(cluster))["certificate of the API server"]
    external = session.lab.control_plane.external.address
    assert (row.result, row.measured) == ("failed", f"does not name {external}")


@pytest.mark.parametrize(
    "lab", [described("rehearsal", {"kubernetes": {"certificate_names": ["lab.example", "2001:DB8:0::1"]}})]
)
def test_a_living_clusters_certificate_that_lacks_a_described_name_is_told_with_the_way_to_make_it_anew(
    cluster: FakeCluster, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [interface.address for interface in session.lab.control_plane.interfaces]
    made = certificate(365, [*addresses, ip_address("2001:db8::1")])
    monkeypatch.setattr(apicertificate, "fetch", lambda address: made)
    row = by_name(system.check(cluster))["certificate of the API server"]
    assert (row.result, row.measured.split(":")[0]) == ("failed", "does not name lab.example")
    assert "kubeadm init phase certs apiserver" in row.detail
    monkeypatch.setattr(apicertificate, "fetch", lambda address: certificate(365, addresses, ["lab.example"]))
    assert by_name(system.check(cluster))["certificate of the API server"].measured == "does not name 2001:db8::1"


def test_no_answer_at_all(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str) -> x509.Certificate:
        raise LabError(f"{address}:6443 shows none: Connection refused")

    monkeypatch.setattr(apicertificate, "fetch", refuse)
    row = by_name(system.check(cluster))["certificate of the API server"]
    assert (row.result, "Connection refused" in row.measured) == ("failed", True)
