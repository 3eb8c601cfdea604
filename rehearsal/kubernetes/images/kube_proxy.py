"""kube-proxy: Services to endpoints by nftables, in a table of its own.

ClusterIPs, NodePorts and the addresses of load balancers; TCP and UDP.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import yaml

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.httpd import Quiet, Server
from rehearsal.kubernetes.node.paths import real

from .incluster import RETRY_S, TokenApi, follow, option, say

Object = dict[str, Any]
TABLE = "kube-proxy"
MARK = "0x4000"
HEALTH_PORT = 10256
EVERY_ADDRESS = "fib daddr type local"


def node_ports(configuration: Object, node_ip: str) -> str:
    """At which of the node's addresses NodePorts answer, as a match of nft; `node_ip` is the node's own address.

    Without `nodePortAddresses` it is every one, but in the mode nftables the node's own alone: `primary`
    (cmd/kube-proxy/app/server_linux.go in Kubernetes 1.36).
    """
    ranges = configuration.get("nodePortAddresses") or []
    if not ranges and configuration.get("mode") == "nftables":
        ranges = ["primary"]
    if ranges == ["primary"]:
        return f"ip daddr {node_ip}"
    if not ranges or "0.0.0.0/0" in ranges:
        return EVERY_ADDRESS
    return f"{EVERY_ADDRESS} ip daddr {{ {', '.join(ranges)} }}"


def rules(
    services: dict[str, Object], slices: dict[str, Object], cluster_cidr: str, node_ports: str = EVERY_ADDRESS
) -> str:
    """The whole table as nft reads it. What comes from outside is masqueraded, so that the answer finds its way."""
    chains, entries = [], []
    for name, service in sorted(services.items()):
        address = service["spec"]["clusterIP"]
        for number, port in enumerate(service["spec"].get("ports") or []):
            targets = endpoints(name, port, slices)
            protocol = port.get("protocol", "TCP").lower()
            chain = f"svc-{_safe(name)}-{number}"
            chains.append(_chain(chain, protocol, targets, cluster_cidr))
            at = (address, *_given(service))
            entries += [f"ip daddr {one} {protocol} dport {port['port']} goto {chain}" for one in at]
            if port.get("nodePort"):
                entries.append(f"{node_ports} {protocol} dport {port['nodePort']} goto {chain}")
    return _table(chains, entries)


def _given(service: Object) -> list[str]:
    """The addresses that a load balancer gave a Service."""
    entries = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or []
    return [entry["ip"] for entry in entries if entry.get("ip") and entry.get("ipMode", "VIP") == "VIP"]


def _table(chains: list[str], entries: list[str]) -> str:
    body = "".join(f"    {entry}\n" for entry in entries)
    return (
        f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{''.join(chains)}"
        f"  chain services {{\n{body}  }}\n"
        "  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;\n    jump services\n  }\n"
        "  chain output {\n    type nat hook output priority -100; policy accept;\n    jump services\n  }\n"
        "  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n"
        f"    meta mark & {MARK} == 0 return\n    meta mark set meta mark ^ {MARK}\n    masquerade\n  }}\n}}\n"
    )


def _chain(name: str, protocol: str, targets: list[str], cluster_cidr: str) -> str:
    if not targets:
        return f"  chain {name} {{\n  }}\n"
    pairs = [target.split(":") for target in targets]
    choices = ", ".join(f"{number} : {host} . {port}" for number, (host, port) in enumerate(pairs))
    outside = f"ip saddr != {cluster_cidr} " if cluster_cidr else ""
    send = f"meta l4proto {protocol} dnat to numgen random mod {len(pairs)} map {{ {choices} }}"
    return f"  chain {name} {{\n    {outside}meta mark set meta mark | {MARK}\n    {send}\n  }}\n"


def endpoints(name: str, port: Object, slices: dict[str, Object]) -> list[str]:
    """`address:port` of every ready endpoint of one Service port."""
    namespace, _, service = name.partition("/")
    result = []
    for body in slices.values():
        metadata = body["metadata"]
        if (
            metadata["namespace"] != namespace
            or metadata.get("labels", {}).get("kubernetes.io/service-name") != service
        ):
            continue
        numbers = [p["port"] for p in body.get("ports") or [] if (p.get("name") or "") == (port.get("name") or "")]
        for endpoint in body.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready", True):
                result += [f"{address}:{number}" for address in endpoint["addresses"] for number in numbers]
    return sorted(result)


def _safe(name: str) -> str:
    return name.replace("/", "-").replace(".", "-")


class Proxy:
    """Keeps the table equal to what the API says."""

    def __init__(self, cluster_cidr: str, node_ports: str) -> None:
        self.cluster_cidr, self.node_ports = cluster_cidr, node_ports
        self.services: dict[str, Object] = {}
        self.slices: dict[str, Object] | None = None
        self.applied = ""
        self.lock = threading.Lock()

    def services_changed(self, objects: dict[str, Object]) -> None:
        self.services = dict(objects)
        self.apply()

    def slices_changed(self, objects: dict[str, Object]) -> None:
        self.slices = dict(objects)
        self.apply()

    def apply(self) -> None:
        """Load the table when it differs from the loaded one."""
        with self.lock:
            if self.slices is None:
                return
            text = rules(self.services, self.slices, self.cluster_cidr, self.node_ports)
            if text == self.applied:
                return
            done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
            if done.returncode:
                say(f"Failed to apply nftables rules: {done.stderr.strip()}")
                return
            self.applied = text


class Health(Quiet):
    def do_GET(self) -> None:  # noqa: N802  # the library's name
        self.status(200 if self.path.startswith(("/healthz", "/livez")) else 404)


def own_address(client: Api, node: str) -> str:
    """The node's InternalIP, once the API tells it."""
    while True:
        try:
            addresses = client.get(f"/api/v1/nodes/{node}")["status"].get("addresses") or []
            found = [str(one["address"]) for one in addresses if one["type"] == "InternalIP"]
            if found:
                return found[0]
            say(f"node {node} has no address yet")
        except (ApiError, UnreachableError, OSError) as error:
            say(f"failed to get node {node}: {error}")
        time.sleep(RETRY_S)


def main() -> None:
    configuration = yaml.safe_load(real(option(sys.argv[1:], "config")).read_text())
    place = configuration["clientConnection"]["kubeconfig"]
    server, ca = kubeconfig.server_and_ca(place)
    user = yaml.safe_load(real(place).read_text())["users"][0]["user"]
    client = TokenApi(server, ca.decode(), real(user["tokenFile"]))
    say(f'Using nftables Proxier (stand-in) for mode "{configuration.get("mode", "")}"')
    own = own_address(client, option(sys.argv[1:], "hostname-override"))
    proxy = Proxy(configuration.get("clusterCIDR", ""), node_ports(configuration, own))
    Server(("0.0.0.0", HEALTH_PORT), Health).start("healthz")
    slices = "/apis/discovery.k8s.io/v1/endpointslices"
    threading.Thread(target=follow, args=(client, slices, proxy.slices_changed), daemon=True).start()
    follow(client, "/api/v1/services", proxy.services_changed)


if __name__ == "__main__":
    main()
