"""The node agents of Calico and flannel: they make the node's CNI configuration and keep routes to other nodes' pods.

What they stand in for: Calico's IPAM, BGP and Felix, and flanneld. Here pods get addresses of the node's podCIDR from
the real `bridge` and `host-local` plugins, packets between nodes go through the kernel's VXLAN (over plain routes where
Calico's pool does without), and `policy` enforces NetworkPolicy for Calico, as flannel does for nobody.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.node import machine
from rehearsal.kubernetes.node.api import Api, ApiError
from rehearsal.kubernetes.node.httpd import Quiet, Server

from .addresses import AgentError, detect, internal_address, matching
from .incluster import api, follow, option, say
from .policy import Enforcer
from .vxlan import Tunnel, run

Object = dict[str, Any]
NET_DIR = Path(os.environ.get("CNI_NET_DIR_IN_POD", "/host/etc/cni/net.d"))
FILTER_TABLE = "cni-agent"
MTU_OVERHEAD = 50
BRIDGE_NETFILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
HEALTH_PORT = 9099


class Agent:
    """What Calico's and flannel's agents do alike."""

    name = "agent"
    file = ""
    network_name = ""
    annotation = ""

    def __init__(self, client: Api, node_name: str) -> None:
        self.client, self.node_name = client, node_name
        self.routes: dict[str, str] = {}
        self.ready = threading.Event()

    def pool(self) -> IPv4Network:
        """The range of all pods."""
        raise NotImplementedError

    def own_address(self, node: Object) -> str:
        """The address that the other nodes reach this one's pods through. Raises AgentError."""
        raise NotImplementedError

    def run(self) -> None:
        """Set this node up, then follow the others."""
        node = self._node_with_cidr()
        cidr, pool = IPv4Network(node["spec"]["podCIDR"]), self.pool()
        if not cidr.subnet_of(pool):
            raise AgentError(
                f"the node's podCIDR {cidr} is not in the configured pool {pool}: set the pool to the cluster's pod "
                f"network"
            )
        address = self.own_address(node)
        say(f"{self.name}: using {address} of this node, pods of {cidr}")
        self.client.merge(
            f"/api/v1/nodes/{self.node_name}", {"metadata": {"annotations": {self.annotation: self.annotated(address)}}}
        )
        masquerade(cidr, pool)
        if tunnel := self.tunnel():
            tunnel.open(address, cidr)
        self.enforce()
        self.write_configuration(cidr)
        self.ready.set()
        follow(self.client, "/api/v1/nodes", self.nodes_changed)

    def annotated(self, address: str) -> str:
        return address

    def enforce(self) -> None:
        """Begin to enforce NetworkPolicy, where the agent does."""

    def tunnel(self) -> Tunnel | None:
        """What carries packets to other nodes' pods; None for plain routes."""
        raise NotImplementedError

    def _node_with_cidr(self) -> Object:
        while True:
            node: Object = self.client.get(f"/api/v1/nodes/{self.node_name}")
            if node["spec"].get("podCIDR"):
                return node
            say(f"node {self.node_name} has no podCIDR yet; the controller manager assigns it")
            time.sleep(1)

    def configuration(self, cidr: IPv4Network) -> Object:
        """The conflist: the real bridge plugin with addresses of the node's podCIDR."""
        ipam = {"type": "host-local", "ranges": [[{"subnet": str(cidr)}]], "routes": [{"dst": "0.0.0.0/0"}]}
        bridge = {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "hairpinMode": True,
            "ipam": ipam,
            "mtu": self.mtu(),
        }
        return {"name": self.network_name, "cniVersion": "0.3.1", "standIn": f"for {self.name}", "plugins": [bridge]}

    def mtu(self) -> int:
        return 1500 - MTU_OVERHEAD

    def write_configuration(self, cidr: IPv4Network) -> None:
        NET_DIR.mkdir(parents=True, exist_ok=True)
        draft = NET_DIR / f".{self.file}.new"
        draft.write_text(json.dumps(self.configuration(cidr), indent=2) + "\n", encoding="utf-8")
        draft.replace(NET_DIR / self.file)
        say(f"{self.name}: wrote {self.file}")

    def nodes_changed(self, nodes: dict[str, Object]) -> None:
        """A route to the pods of every other node."""
        wanted: dict[str, str] = {}
        for node in nodes.values():
            cidr, address = node["spec"].get("podCIDR"), self.address_of(node)
            if node["metadata"]["name"] != self.node_name and cidr and address:
                wanted[cidr] = address
        for cidr in self.routes.keys() - wanted.keys():
            run("ip", "route", "delete", cidr)
        tunnel = self.tunnel()
        for cidr, address in wanted.items():
            if self.routes.get(cidr) == address:
                continue
            if tunnel:
                tunnel.reach(address, IPv4Network(cidr))
            else:
                run("ip", "route", "replace", cidr, "via", address)
        self.routes = wanted

    def address_of(self, node: Object) -> str:
        """What the other node's agent said, else its InternalIP."""
        told = (node["metadata"].get("annotations") or {}).get(self.annotation, "").partition("/")[0]
        return told or internal_address(node)


class Calico(Agent):
    """calico-node."""

    name, file, network_name = "calico", "10-calico.conflist", "k8s-pod-network"
    annotation = "projectcalico.org/IPv4Address"

    def pool(self) -> IPv4Network:
        return IPv4Network(os.environ.get("CALICO_IPV4POOL_CIDR") or "192.168.0.0/16")

    def annotated(self, address: str) -> str:
        return f"{address}/24"

    def enforce(self) -> None:
        Enforcer(self.client, self.node_name).start()

    def mtu(self) -> int:
        written = os.environ.get("FELIX_VXLANMTU") or os.environ.get("CALICO_MTU") or "0"
        return int(written) or super().mtu()

    def tunnel(self) -> Tunnel | None:
        if os.environ.get("CALICO_IPV4POOL_VXLAN", "Never") == "Never":
            return None
        return Tunnel("vxlan.calico", 4096, 4789, self.mtu())

    def own_address(self, node: Object) -> str:
        return detect(os.environ.get("IP_AUTODETECTION_METHOD") or "first-found", node)


class Flannel(Agent):
    """flanneld."""

    name, file, network_name = "flannel", "10-flannel.conflist", "cbr0"
    annotation = "flannel.alpha.coreos.com/public-ip"

    def run(self) -> None:
        if not BRIDGE_NETFILTER.exists() or not machine.has_module("br_netfilter"):
            raise AgentError(f"Failed to check br_netfilter: stat {BRIDGE_NETFILTER}: no such file or directory")
        super().run()

    def tunnel(self) -> Tunnel | None:
        return Tunnel("flannel.1", 1, 8472, self.mtu())

    def pool(self) -> IPv4Network:
        text = Path(option(sys.argv[1:], "net-config-path", "/etc/kube-flannel/net-conf.json")).read_text(
            encoding="utf-8"
        )
        return IPv4Network(json.loads(text)["Network"])

    def own_address(self, node: Object) -> str:
        for name in ("iface", "iface-can-reach"):
            if option(sys.argv[1:], name):
                raise AgentError(f"the stand-in knows --iface-regex, not --{name}")
        pattern = option(sys.argv[1:], "iface-regex")
        return matching(pattern) if pattern else machine.default_address()


def masquerade(cidr: IPv4Network, pool: IPv4Network) -> None:
    """Packets of this node's pods to the outside carry the node's address."""
    rule = f"ip saddr {cidr} ip daddr != {pool} masquerade"
    text = (
        f"table ip {FILTER_TABLE}\ndelete table ip {FILTER_TABLE}\ntable ip {FILTER_TABLE} {{\n  chain postrouting {{\n"
        f"    type nat hook postrouting priority srcnat; policy accept;\n    {rule}\n  }}\n}}\n"
    )
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AgentError(f"nft refused the masquerade rule: {done.stderr.strip()}")


def serve_health(agent: Agent) -> None:
    """GET /liveness and /readiness on 127.0.0.1:9099, as Felix answers."""

    class Health(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            self.status(204 if agent.ready.is_set() or self.path == "/liveness" else 503)

    Server(("127.0.0.1", HEALTH_PORT), Health).start("health")


def main(kind: str) -> int:
    """Run the agent for `kind`; exit status 1 with a sentence when it cannot."""
    name = os.environ.get("NODENAME") or os.environ.get("NODE_NAME") or machine.hostname()
    agent = {"calico": Calico, "flannel": Flannel}[kind](api(), name)
    try:
        serve_health(agent)
        agent.run()
    except (AgentError, ApiError, OSError, ValueError) as error:
        say(f"{kind}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv.pop(1)))
