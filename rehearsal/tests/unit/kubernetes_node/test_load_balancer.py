"""The MetalLB stand-in: who gets which address, which node answers for it, and the frames that it answers with."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from rehearsal.kubernetes.images import address_pool, arp, kube_proxy
from rehearsal.kubernetes.images.metallb import announced

Object = dict[str, Any]
MINE, ASKER = b"\x02\x7e\x57\x03\x00\x04", b"\xaa\xbb\xcc\xdd\xee\xff"
NODES = ("cp1", "w1", "w2", "w3")
ADDRESS = "192.0.2.120"


def service(name: str, address: str | None = None, kind: str = "LoadBalancer", **more: Any) -> Object:
    given = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}} if address else {"loadBalancer": {}}
    return {
        "metadata": {"name": name, "namespace": "lab"},
        "spec": {"type": kind, "clusterIP": "10.96.0.9", "ports": [{"port": 80, "nodePort": 31000}], **more},
        "status": given,
    }


def pool(*addresses: str) -> Object:
    return {"metadata": {"name": "external"}, "spec": {"addresses": list(addresses)}}


def assigned(*services: Object, **pools: Object) -> dict[str, str | None]:
    named = {one["metadata"]["name"]: one for one in services}
    return address_pool.assign(named, pools or {"external": pool("192.0.2.120-192.0.2.121")})


def test_each_service_gets_the_next_free_address_and_others_none() -> None:
    assert assigned(service("b"), service("a"), service("c", kind="NodePort")) == {
        "a": "192.0.2.120",
        "b": "192.0.2.121",
    }


def test_what_a_service_has_it_keeps() -> None:
    assert assigned(service("a"), service("b", "192.0.2.120")) == {"a": "192.0.2.121", "b": "192.0.2.120"}


def test_an_address_that_no_pool_holds_any_more_is_replaced() -> None:
    assert assigned(service("a", "192.0.2.99")) == {"a": "192.0.2.120"}


def test_without_a_free_address_a_service_gets_none() -> None:
    given = assigned(service("a", "192.0.2.120"), service("b", "192.0.2.121"), service("c"))
    assert given["c"] is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pool("192.0.2.7-192.0.2.9"), ["192.0.2.7", "192.0.2.8", "192.0.2.9"]),
        (pool("192.0.2.4/31", "192.0.2.9-192.0.2.9"), ["192.0.2.4", "192.0.2.5", "192.0.2.9"]),
    ],
)
def test_a_pool_is_ranges_and_prefixes(given: Object, expected: list[str]) -> None:
    assert list(address_pool.addresses(given)) == expected


def node(name: str, ready: str = "True", **labels: str) -> Object:
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def seen(nodes: list[Object], ready: bool = True, advertisement: Object | None = None) -> dict[str, dict[str, Object]]:
    slice_ = {
        "metadata": {"namespace": "lab", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": ["10.244.1.2"], "nodeName": "w1", "conditions": {"ready": ready}}],
    }
    return {
        "services": {"lab/web": service("web", ADDRESS)},
        "pools": {"external": pool("192.0.2.120-192.0.2.129")},
        "advertisements": {"external": {"spec": advertisement or {"ipAddressPools": ["external"]}}},
        "slices": {"web": slice_},
        "nodes": {one["metadata"]["name"]: one for one in nodes},
    }


def owners(world: dict[str, dict[str, Object]], **how: bool) -> list[str]:
    return [name for name in NODES if announced(world, name, ignore_excluded=how.get("ignore_excluded", False))]


def test_exactly_one_ready_node_answers_and_it_is_chosen_by_hash() -> None:
    first = min(NODES, key=lambda name: hashlib.sha256(f"{name}#{ADDRESS}".encode()).digest())
    assert owners(seen([node(name) for name in NODES])) == [first]


def test_another_one_answers_when_that_node_is_not_ready() -> None:
    (first,) = owners(seen([node(name) for name in NODES]))
    (second,) = owners(seen([node(name, "Unknown" if name == first else "True") for name in NODES]))
    assert second != first


def test_an_excluded_node_answers_only_where_that_is_ignored() -> None:
    alone = seen([node("cp1", **{"node.kubernetes.io/exclude-from-external-load-balancers": ""})])
    assert owners(alone) == []
    assert owners(alone, ignore_excluded=True) == ["cp1"]


def test_nobody_answers_for_a_service_without_a_ready_endpoint_or_an_advertisement() -> None:
    nodes = [node(name) for name in NODES]
    assert owners(seen(nodes, ready=False)) == []
    assert owners(seen(nodes, advertisement={"ipAddressPools": ["other"]})) == []


def question(wanted: str = ADDRESS) -> bytes:
    frame = arp.announcement(wanted, ASKER)
    return frame[:28] + bytes([192, 0, 2, 1]) + frame[32:]  # from 192.0.2.1


def test_a_question_is_answered_to_whoever_asked_with_the_adapters_own_mac() -> None:
    asked = arp.parse(question())
    assert asked == arp.Question(ASKER, "192.0.2.1", ADDRESS)
    frame = arp.reply(asked, MINE)
    assert frame[:14] == ASKER + MINE + b"\x08\x06"
    assert frame[14:22] == bytes([0, 1, 8, 0, 6, 4, 0, 2])
    assert frame[22:] == MINE + bytes([192, 0, 2, 120]) + ASKER + bytes([192, 0, 2, 1])


def test_an_announcement_names_the_address_as_sender_and_target_to_everybody() -> None:
    frame = arp.announcement(ADDRESS, MINE)
    assert frame[:6] == b"\xff" * 6
    assert frame[20:22] == bytes([0, 1])
    assert frame[28:32] == frame[38:42] == bytes([192, 0, 2, 120])


@pytest.mark.parametrize("frame", [b"", question()[:30], arp.reply(arp.Question(ASKER, "192.0.2.1", ADDRESS), MINE)])
def test_anything_but_a_question_is_passed_over(frame: bytes) -> None:
    assert arp.parse(frame) is None


@pytest.mark.parametrize(
    ("address", "at", "adapter", "expected"),
    [
        (ADDRESS, (), "eth2", True),
        (ADDRESS, (), "eth0", True),  # upstream does not ask whether the adapter's network has the address
        (ADDRESS, (), "cni0", False),
        (ADDRESS, ("eth2",), "eth2", True),
        (ADDRESS, ("eth2",), "eth0", False),
        ("192.0.2.121", (), "eth2", False),
    ],
)
def test_only_what_is_announced_is_answered_at_its_adapters_and_not_towards_pods(
    address: str, at: tuple[str, ...], adapter: str, expected: bool
) -> None:
    assert arp.answers({address: frozenset(at)}, arp.Question(ASKER, "192.0.2.1", ADDRESS), adapter) is expected


def test_an_advertisement_without_adapters_is_about_all_beside_one_that_names_some() -> None:
    world = seen([node("w1")], advertisement={"interfaces": ["eth2"]})
    assert announced(world, "w1", ignore_excluded=False) == {ADDRESS: {"eth2"}}
    world["advertisements"]["all"] = {"spec": {}}
    assert announced(world, "w1", ignore_excluded=False) == {ADDRESS: set()}


def test_kube_proxy_leads_a_services_own_address_where_its_cluster_address_leads() -> None:
    text = kube_proxy.rules({"lab/web": service("web", ADDRESS)}, {}, "10.244.0.0/16")
    assert "ip daddr 10.96.0.9 tcp dport 80 goto svc-lab-web-0" in text
    assert f"ip daddr {ADDRESS} tcp dport 80 goto svc-lab-web-0" in text
