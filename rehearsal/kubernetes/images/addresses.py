"""Which of a node's addresses its pods are reached by: the autodetection methods of Calico and flannel."""

from __future__ import annotations

import re
import subprocess
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Object = dict[str, Any]


class AgentError(Exception):
    """The node cannot take part as it is configured; the agent ends and the kubelet starts it again."""


def detect(method: str, node: Object) -> str:
    """This node's address by one of Calico's autodetection methods. Raises AgentError."""
    kind, _, value = method.partition("=")
    if kind == "kubernetes-internal-ip":
        return internal_address(node)
    if kind not in ("first-found", "cidr"):
        raise AgentError(f"the stand-in knows first-found, cidr and kubernetes-internal-ip, not the method {method}")
    for _, address in interfaces():
        if kind == "first-found" or any(IPv4Address(address) in IPv4Network(part) for part in value.split(",")):
            return address
    raise AgentError(
        f"Unable to auto-detect an IPv4 address using method {method}: no valid IPv4 addresses found on the host "
        f"interfaces"
    )


def matching(pattern: str) -> str:
    """This node's address by flannel's --iface-regex: of addresses first, then of names. Raises AgentError.

    The pattern may match anywhere (flannel, pkg/ipmatch/match.go).
    """
    found = interfaces()
    by_address = (address for _, address in found if re.search(pattern, address))
    by_name = (address for name, address in found if re.search(pattern, name))
    chosen = next(by_address, None) or next(by_name, None)
    if chosen is None:
        known = ", ".join(f"{name}:[{address}]" for name, address in found)
        raise AgentError(f"Could not match pattern {pattern} to any of the available network interfaces ({known})")
    return chosen


def interfaces() -> list[tuple[str, str]]:
    """(name, IPv4 address) of the machine's interfaces; bridges and pods' ends are left out, as the real agents do."""
    text = subprocess.run(["ip", "-4", "-o", "address", "show"], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^\d+: (\S+)\s+inet (\d+\.\d+\.\d+\.\d+)/", text, re.MULTILINE)
    return [(name, address) for name, address in found if not re.match(r"lo$|cni|veth|docker|cali|flannel", name)]


def internal_address(node: Object) -> str:
    return next((a["address"] for a in node.get("status", {}).get("addresses", []) if a["type"] == "InternalIP"), "")
