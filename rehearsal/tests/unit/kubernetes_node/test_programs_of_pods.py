"""kube-proxy's table, the DNS server's answers, the CNI agents' choice of address, the provisioner's volumes."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rehearsal.kubernetes.images import addresses, cni_agent, dns, kube_proxy, provisioner
from rehearsal.kubernetes.images.incluster import option

SERVICE: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 80, "targetPort": 80, "nodePort": 30080, "protocol": "TCP"}]},
}
SLICE = {
    "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
    "ports": [{"port": 80, "protocol": "TCP"}],
    "endpoints": [
        {"addresses": ["10.244.1.2"], "conditions": {"ready": True}},
        {"addresses": ["10.244.2.3"], "conditions": {"ready": False}},
    ],
}


def test_only_ready_endpoints_get_traffic() -> None:
    text = kube_proxy.rules({"default/web": SERVICE}, {"default/web-1": SLICE}, "10.244.0.0/16")
    assert "dnat to numgen random mod 1 map { 0 : 10.244.1.2 . 80 }" in text
    assert "10.244.2.3" not in text


def test_both_ways_into_a_service() -> None:
    text = kube_proxy.rules({"default/web": SERVICE}, {"default/web-1": SLICE}, "10.244.0.0/16")
    assert "ip daddr 10.96.7.7 tcp dport 80 goto svc-default-web-0" in text
    assert "fib daddr type local tcp dport 30080 goto svc-default-web-0" in text


@pytest.mark.parametrize(
    ("configuration", "match"),
    [
        ({"mode": "iptables"}, "fib daddr type local"),
        ({"mode": "nftables"}, "ip daddr 10.190.87.13"),
        ({"mode": "nftables", "nodePortAddresses": ["primary"]}, "ip daddr 10.190.87.13"),
        ({"mode": "nftables", "nodePortAddresses": ["0.0.0.0/0"]}, "fib daddr type local"),
        ({"mode": "iptables", "nodePortAddresses": ["192.0.2.0/24"]}, "fib daddr type local ip daddr { 192.0.2.0/24 }"),
    ],
)
def test_node_ports_answer_at_the_addresses_that_the_mode_and_the_ranges_say(
    configuration: dict[str, Any], match: str
) -> None:
    at = kube_proxy.node_ports(configuration, "10.190.87.13")
    text = kube_proxy.rules({"default/web": SERVICE}, {"default/web-1": SLICE}, "10.244.0.0/16", at)
    assert f"    {match} tcp dport 30080 goto svc-default-web-0\n" in text


def test_a_service_without_endpoints_goes_nowhere() -> None:
    assert "dnat" not in kube_proxy.rules({"default/web": SERVICE}, {}, "")


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


@pytest.fixture
def names() -> dns.Names:
    known = dns.Names("cluster.local")
    known.services_changed({"default/web": SERVICE})
    return known


def test_a_service_has_its_cluster_address(names: dns.Names) -> None:
    reply = dns.resolve(query("web.default.svc.cluster.local"), names, [])
    assert (reply[3] & 15, reply[-4:]) == (0, bytes([10, 96, 7, 7]))


def test_an_unknown_name_of_the_cluster_does_not_exist(names: dns.Names) -> None:
    assert dns.resolve(query("gone.default.svc.cluster.local"), names, [])[3] & 15 == 3


def test_a_name_outside_without_a_server_fails(names: dns.Names) -> None:
    assert dns.resolve(query("example.org"), names, [])[3] & 15 == 2


NODE: dict[str, Any] = {"status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.13"}]}}
INTERFACES = [("eth0", "10.0.0.13"), ("eth1", "10.1.0.13"), ("eth2", "192.0.2.102")]


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("first-found", "10.0.0.13"),
        ("kubernetes-internal-ip", "10.1.0.13"),
        ("cidr=10.1.0.0/24", "10.1.0.13"),
    ],
)
def test_autodetection(method: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "interfaces", lambda: INTERFACES)
    assert addresses.detect(method, NODE) == address


def test_a_range_without_an_address_and_another_method_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "interfaces", lambda: INTERFACES)
    with pytest.raises(addresses.AgentError, match="Unable to auto-detect an IPv4 address"):
        addresses.detect("cidr=10.9.0.0/24", NODE)
    with pytest.raises(addresses.AgentError, match="not the method interface=eth0"):
        addresses.detect("interface=eth0", NODE)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [(r"^(10\.1\.0\.12|10\.1\.0\.13)$", "10.1.0.13"), ("eth[12]", "10.1.0.13"), (r"^192\.", "192.0.2.102")],
)
def test_flannels_pattern_is_of_addresses_first_and_then_of_names(
    pattern: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "interfaces", lambda: INTERFACES)
    assert addresses.matching(pattern) == address


def test_a_pattern_of_no_interface_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "interfaces", lambda: INTERFACES)
    with pytest.raises(addresses.AgentError, match=r"Could not match pattern ens9 .*eth1:\[10\.1\.0\.13\]"):
        addresses.matching("ens9")


def test_a_pool_that_is_not_the_clusters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def get(self, path: str) -> dict[str, Any]:
            return {"metadata": {"name": "w1"}, "spec": {"podCIDR": "10.244.1.0/24"}, **NODE}

    monkeypatch.delenv("CALICO_IPV4POOL_CIDR", raising=False)
    with pytest.raises(addresses.AgentError, match=r"10\.244\.1\.0/24 is not in the configured pool 192\.168\.0\.0/16"):
        cni_agent.Calico(Client(), "w1").run()  # type: ignore[arg-type]


CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "data",
        "namespace": "shop",
        "uid": "c-1",
        "annotations": {"volume.kubernetes.io/storage-provisioner": "nfs.csi.k8s.io"},
    },
    "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Mi"}}},
}


def test_a_volume_lies_in_the_folder_that_the_class_names() -> None:
    parameters = {
        "server": "10.1.0.16",
        "share": "/srv/nfs",
        "subDir": "${pvc.metadata.namespace}/${pvc.metadata.name}",
    }
    storage_class = {"metadata": {"name": "nfs-csi"}, "parameters": parameters, "mountOptions": ["nfsvers=4.2"]}
    spec = provisioner.volume_of(CLAIM, storage_class)["spec"]
    assert spec["csi"]["volumeAttributes"]["subdir"] == "shop/data"
    assert (spec["claimRef"]["uid"], spec["mountOptions"], spec["persistentVolumeReclaimPolicy"]) == (
        "c-1",
        ["nfsvers=4.2"],
        "Delete",
    )


def test_only_claims_of_this_driver_that_wait_are_wanted() -> None:
    assert provisioner.is_wanted(CLAIM)
    assert not provisioner.is_wanted({**CLAIM, "spec": {**CLAIM["spec"], "volumeName": "pv"}})
    other = {**CLAIM["metadata"], "annotations": {"volume.kubernetes.io/storage-provisioner": "x"}}
    assert not provisioner.is_wanted({**CLAIM, "metadata": other})


@pytest.mark.parametrize("words", [["--conf=/a"], ["-conf", "/a"], ["--x", "--conf", "/a"]])
def test_options_in_every_form(words: list[str]) -> None:
    assert option(words, "conf") == "/a"
