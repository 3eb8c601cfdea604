"""Which address a Service of type LoadBalancer gets, as MetalLB's controller decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Object = dict[str, Any]
WANTED = "metallb.io/loadBalancerIPs"


def assign(services: dict[str, Object], pools: dict[str, Object]) -> dict[str, str | None]:
    """The address of each Service of type LoadBalancer, by its key; None where none is free.

    What a Service has it keeps while a pool holds it; then those are served that want one address; then the others.
    """
    balanced = {name: one for name, one in services.items() if one["spec"].get("type") == "LoadBalancer"}
    given: dict[str, str | None] = {}
    for name, service in balanced.items():
        has, wants = current(service), wanted(service)
        if has and _holds(pools, has) and has not in given.values() and wants in (None, has):
            given[name] = has
    for name, service in sorted(balanced.items(), key=lambda item: (wanted(item[1]) is None, item[0])):
        if name not in given:
            given[name] = _choose(wanted(service), pools, set(given.values()))
    return given


def current(service: Object) -> str | None:
    """The address that a Service has by its status."""
    entries = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or []
    return next((entry["ip"] for entry in entries if "ip" in entry), None)


def wanted(service: Object) -> str | None:
    """The one address that a Service asks for."""
    annotated = (service["metadata"].get("annotations") or {}).get(WANTED)
    return annotated or service["spec"].get("loadBalancerIP") or None


def addresses(pool: Object) -> Iterator[str]:
    """All addresses of an IPAddressPool, ranges and prefixes in the order written."""
    spec = pool["spec"]
    for written in spec.get("addresses") or []:
        first, dash, last = written.partition("-")
        if dash:
            ends = IPv4Address(first.strip()), IPv4Address(last.strip())
        else:
            ends = IPv4Network(written)[0], IPv4Network(written)[-1]
        for number in range(int(ends[0]), int(ends[1]) + 1):
            address = IPv4Address(number)
            if not (spec.get("avoidBuggyIPs") and address.packed[3] in (0, 255)):
                yield str(address)


def _holds(pools: dict[str, Object], address: str) -> bool:
    return any(address in addresses(pool) for pool in pools.values())


def _choose(wants: str | None, pools: dict[str, Object], taken: set[str | None]) -> str | None:
    if wants is not None:
        return wants if wants not in taken and _holds(pools, wants) else None
    automatic = (pool for _, pool in sorted(pools.items()) if pool["spec"].get("autoAssign", True))
    return next((address for pool in automatic for address in addresses(pool) if address not in taken), None)
