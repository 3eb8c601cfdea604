"""The tunnel between nodes, as Calico's and flannel's VXLAN backends make it: the kernel's own vxlan device.

Each node's end has the first address of its pods' range, and a MAC that follows from the node's address, so that the
others can enter it without asking.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from .incluster import say


@dataclass(frozen=True)
class Tunnel:
    """One node's end: `device` is vxlan.calico or flannel.1, `vni` and `port` are the backend's defaults."""

    device: str
    vni: int
    port: int
    mtu: int

    def open(self, own: str, cidr: IPv4Network) -> None:
        """Make this node's end, at `own` (its address on INTERNAL), for the pods of `cidr`."""
        if subprocess.run(["ip", "link", "show", self.device], capture_output=True, check=False).returncode:
            kind = ["type", "vxlan", "id", str(self.vni), "local", own, "dstport", str(self.port), "nolearning"]
            run("ip", "link", "add", self.device, "address", mac(own), "mtu", str(self.mtu), *kind)
        run("ip", "address", "replace", f"{cidr.network_address}/32", "dev", self.device)
        run("ip", "link", "set", self.device, "up")

    def reach(self, peer: str, cidr: IPv4Network) -> None:
        """Send what is for the pods of `cidr` through the tunnel to the node at `peer`."""
        end = str(cidr.network_address)
        run("bridge", "fdb", "replace", mac(peer), "dev", self.device, "dst", peer)
        run("ip", "neighbor", "replace", end, "lladdr", mac(peer), "dev", self.device, "nud", "permanent")
        run("ip", "route", "replace", str(cidr), "via", end, "dev", self.device, "onlink")


def mac(address: str) -> str:
    """A locally administered MAC of the node at `address`."""
    return "66:00:" + ":".join(f"{octet:02x}" for octet in IPv4Address(address).packed)


def run(*command: str) -> None:
    """Run a network command; what it refuses is said, and the next change of a node tries again."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        say(f"{' '.join(command)}: {done.stderr.strip()}")
