"""ClusterIPs and NodePorts of Services. Stands in for pkg/registry/core/service/{ipallocator,portallocator}.

Nothing is kept besides the Services themselves: what they hold is what is taken.
"""

from __future__ import annotations

import ipaddress
import random

from .errors import Cause, bad_value, invalid
from .objects import Obj, name_of, namespace_of
from .store import Store

SERVICES = ("", "services")
RESERVED = 10  # the first addresses are kept for kubernetes, DNS and whoever names one


class Allocator:
    """Gives out the addresses of one range and the ports of another."""

    def __init__(self, store: Store, cidr: str, ports: str) -> None:
        self._store = store
        self._network = ipaddress.ip_network(cidr)
        low, _, high = ports.partition("-")
        self._ports = range(int(low), int(high) + 1)

    @property
    def first_address(self) -> str:
        """The address of the `kubernetes` Service."""
        return str(self._network[1])

    def assign(self, service: Obj) -> None:
        """Fill clusterIP and node ports in place; 422 when a named one is out of range or taken."""
        spec = service["spec"]
        others = [one for one in self._store.all(SERVICES) if _place(one) != _place(service)]
        causes = self._assign_address(spec, others)
        if spec["type"] in ("NodePort", "LoadBalancer"):
            causes += self._assign_ports(spec, others)
        else:
            for port in spec.get("ports") or []:
                port.pop("nodePort", None)
        if causes:
            raise invalid("", "Service", name_of(service), causes)

    def _assign_address(self, spec: Obj, others: list[Obj]) -> list[Cause]:
        taken = {one["spec"].get("clusterIP") for one in others}
        wanted = spec.get("clusterIP")
        if not wanted:
            wanted = self._free_address({str(address) for address in taken})
        elif ipaddress.ip_address(wanted) not in self._network:
            hint = f"failed to allocate IP {wanted}: the provided IP is not in the valid range {self._network}"
            return [bad_value("spec.clusterIPs", [wanted], hint)]
        elif wanted in taken:
            hint = f"failed to allocate IP {wanted}: provided IP is already allocated"
            return [bad_value("spec.clusterIPs", [wanted], hint)]
        spec["clusterIP"] = wanted
        spec["clusterIPs"] = [wanted]
        return []

    def _free_address(self, taken: set[str]) -> str:
        size = self._network.num_addresses
        start = random.randrange(RESERVED + 1, size - 1) if size > 2 * RESERVED else 1  # noqa: S311
        for step in range(size):
            place = 1 + (start + step) % (size - 2)
            address = str(self._network[place])
            if place > RESERVED and address not in taken:
                return address
        message = f"the range {self._network} of Services is full"
        raise RuntimeError(message)

    def _assign_ports(self, spec: Obj, others: list[Obj]) -> list[Cause]:
        taken = {port.get("nodePort") for one in others for port in one["spec"].get("ports") or []}
        causes = []
        for number, port in enumerate(spec.get("ports") or []):
            where, wanted = f"spec.ports[{number}].nodePort", port.get("nodePort")
            if not wanted:
                port["nodePort"] = wanted = self._free_port(taken)
            elif wanted not in self._ports:
                low, high = self._ports[0], self._ports[-1]
                hint = f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
                causes.append(bad_value(where, wanted, hint))
            elif wanted in taken:
                causes.append(bad_value(where, wanted, "provided port is already allocated"))
            taken.add(wanted)
        return causes

    def _free_port(self, taken: set[int | None]) -> int:
        free = [port for port in self._ports if port not in taken]
        return random.choice(free)  # noqa: S311


def _place(service: Obj) -> tuple[str, str]:
    return namespace_of(service), name_of(service)
