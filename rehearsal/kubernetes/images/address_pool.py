"""Which address a Service of type LoadBalancer gets, as MetalLB's controller decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Object = dict[str, Any]


def assign(services: dict[str, Object], pools: dict[str, Object]) -> dict[str, str | None]:
    """The address of each Service of type LoadBalancer, by its key; None where none is free.

    What a Service has it keeps while a pool holds it; then the others are served.
    """
    balanced = {name: one for name, one in services.items() if one["spec"].get("type") == "LoadBalancer"}
    given: dict[str, str | None] = {}
    for name, service in balanced.items():
        has = current(service)
        if has and _holds(pools, has) and has not in given.values():
            given[name] = has
    for name in sorted(balanced.keys() - given.keys()):
        taken = set(given.values())
        free = (address for _, pool in sorted(pools.items()) for address in addresses(pool) if address not in taken)
        given[name] = next(free, None)
    return given


def current(service: Object) -> str | None:
    """The address that a Service has by its status."""
    entries = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or []
    return next((entry["ip"] for entry in entries if "ip" in entry), None)


def addresses(pool: Object) -> Iterator[str]:
    """All addresses of an IPAddressPool, ranges and prefixes in the order written."""
    for written in pool["spec"].get("addresses") or []:
        first, dash, last = written.partition("-")
        if dash:
            ends = IPv4Address(first.strip()), IPv4Address(last.strip())
        else:
            ends = IPv4Network(written)[0], IPv4Network(written)[-1]
        for number in range(int(ends[0]), int(ends[1]) + 1):
            yield str(IPv4Address(number))


def _holds(pools: dict[str, Object], address: str) -> bool:
    return any(address in addresses(pool) for pool in pools.values())
