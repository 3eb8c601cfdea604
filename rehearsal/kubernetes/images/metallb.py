"""MetalLB in its ARP mode: the controller gives Services addresses, and one node's speaker answers for each.

What it stands in for leaves out BGP, the webhook and the speakers' own member list: a speaker counts as there while
its node is Ready.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.events import Recorder, reference
from rehearsal.kubernetes.node.httpd import Quiet, Server

from . import address_pool
from .arp import Addresses, Responder
from .incluster import api, follow, option, say

Object = dict[str, Any]
Objects = dict[str, Object]
NAMESPACE = "metallb-system"
HEALTH_PORT = 17472
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
SERVICES = "/api/v1/services"
POOLS = f"/apis/metallb.io/v1beta1/namespaces/{NAMESPACE}/ipaddresspools"
PATHS = {
    "services": SERVICES,
    "pools": POOLS,
    "advertisements": f"/apis/metallb.io/v1beta1/namespaces/{NAMESPACE}/l2advertisements",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
    "nodes": "/api/v1/nodes",
}


class Follower:
    """Follows kinds of objects, and acts whenever one of them changed and all were listed once."""

    def __init__(self, client: Api, *kinds: str) -> None:
        self.client, self.kinds = client, kinds
        self.seen: dict[str, Objects] = {}
        self.lock, self.ready = threading.Lock(), threading.Event()

    def act(self) -> None:
        """Make what should be of what was seen."""
        raise NotImplementedError

    def run(self) -> None:
        """Follow for ever; GET /healthz and /readyz on port 17472 tell how it is."""
        Server(("0.0.0.0", HEALTH_PORT), _health(self.ready)).start("health")
        for kind in self.kinds:
            threading.Thread(target=follow, args=(self.client, PATHS[kind], self._taker(kind)), daemon=True).start()
        threading.Event().wait()

    def _taker(self, kind: str) -> Callable[[Objects], None]:
        def take(objects: Objects) -> None:
            with self.lock:
                self.seen[kind] = dict(objects)
                if len(self.seen) == len(self.kinds):
                    self.act()
                    self.ready.set()

        return take


def _health(ready: threading.Event) -> type[Quiet]:
    class Health(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            self.status(200 if ready.is_set() or self.path == "/healthz" else 503)

    return Health


class Controller(Follower):
    """Writes the address of each Service into its status."""

    def __init__(self, client: Api) -> None:
        super().__init__(client, "services", "pools")
        self.events = Recorder("metallb-controller", socket.gethostname())

    def act(self) -> None:
        services = self.seen["services"]
        given = address_pool.assign(services, self.seen["pools"])
        for name, service in services.items():
            address = given.get(name)
            if name in given and address is None:
                self._tell(
                    service, "AllocationFailed", f'Failed to allocate IP for "{name}": no available IPs', "Warning"
                )
            if address != address_pool.current(service):
                self._write(name, service, address)

    def _write(self, name: str, service: Object, address: str | None) -> None:
        """What changes meanwhile comes back as a change, and is looked at again."""
        ingress = {"ingress": [{"ip": address, "ipMode": "VIP"}]} if address else {}
        body = {**service, "status": {**(service.get("status") or {}), "loadBalancer": ingress}}
        metadata = service["metadata"]
        try:
            self.client.update(f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status", body)
        except (ApiError, UnreachableError) as error:
            say(f"controller: {name}: {error}")
            return
        say(f"controller: {name}: {address or 'no address'}")
        if address:
            self._tell(service, "IPAllocated", f'Assigned IP ["{address}"]')

    def _tell(self, service: Object, reason: str, message: str, kind: str = "Normal") -> None:
        involved = reference(service, "Service")
        if self.events.is_news(involved, reason, message):
            say(f"controller: {message}")
            try:
                self.events.write(self.client, involved, reason, message, kind)
            except (ApiError, UnreachableError) as error:
                say(f"controller: {error}")


class Speaker(Follower):
    """Answers ARP for the addresses that are this node's to announce."""

    def __init__(self, client: Api, node: str, *, ignore_excluded: bool) -> None:
        super().__init__(client, "services", "pools", "advertisements", "slices", "nodes")
        self.node, self.ignore_excluded, self.responder = node, ignore_excluded, Responder()
        self.responder.start()

    def act(self) -> None:
        ours = announced(self.seen, self.node, ignore_excluded=self.ignore_excluded)
        if ours != self.responder.addresses:
            say(f"speaker: {self.node} announces {', '.join(sorted(ours)) or 'nothing'}")
            self.responder.answer_for(ours)


def announced(seen: dict[str, Objects], node: str, *, ignore_excluded: bool) -> Addresses:
    """The addresses that `node` answers for: of each, one node is chosen by the hash of both, as upstream does."""
    found: dict[str, frozenset[str]] = {}
    names = [one["metadata"]["name"] for one in seen["nodes"].values() if _may(one, ignore_excluded=ignore_excluded)]
    for name, service in seen["services"].items():
        address = address_pool.current(service)
        if service["spec"].get("type") != "LoadBalancer" or not address or not _is_served(name, seen["slices"]):
            continue
        covering = [one for one in seen["advertisements"].values() if _covers(one, address, seen["pools"])]
        if not covering:
            continue
        if names and min(names, key=lambda one: hashlib.sha256(f"{one}#{address}".encode()).digest()) == node:
            named = [frozenset(one["spec"].get("interfaces") or []) for one in covering]
            found[address] = frozenset().union(*named) if all(named) else frozenset()
    return found


def _is_served(name: str, slices: Objects) -> bool:
    """Whether a Service has an endpoint that is ready."""
    namespace, _, service = name.partition("/")
    return any(
        (endpoint.get("conditions") or {}).get("ready", True)
        for body in slices.values()
        if body["metadata"]["namespace"] == namespace
        and (body["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
        for endpoint in body.get("endpoints") or []
    )


def _covers(advertisement: Object, address: str, pools: Objects) -> bool:
    """Whether an L2Advertisement is about the pool that holds an address; without names it is about all."""
    names = advertisement["spec"].get("ipAddressPools") or []
    return any(
        address in address_pool.addresses(pool) and (not names or pool["metadata"]["name"] in names)
        for pool in pools.values()
    )


def _may(node: Object, *, ignore_excluded: bool) -> bool:
    """Whether a node may announce: it is Ready and not excluded."""
    labels = node["metadata"].get("labels") or {}
    conditions = (node.get("status") or {}).get("conditions") or []
    is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return is_ready and (EXCLUDED not in labels or ignore_excluded)


def share_key(client: Api) -> None:
    """Make the Secret that the speakers' pods mount, as the controller does; one that is there stays."""
    key = base64.b64encode(secrets.token_bytes(128)).decode()
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "memberlist"}, "data": {"secretkey": key}}
    try:
        client.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def main(part: str) -> int:
    """Run the controller or a speaker; exit status 1 with a sentence when it cannot."""
    try:
        if part == "controller":
            client = api()
            share_key(client)
            Controller(client).run()
        excluded_too = option(sys.argv[1:], "ignore-exclude-lb", "false") == "true"
        Speaker(api(), os.environ["METALLB_NODE_NAME"], ignore_excluded=excluded_too).run()
    except (ApiError, UnreachableError, OSError) as error:
        say(f"{part}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv.pop(1)))
