"""Three nginx replicas on different nodes, asked over HTTP from the controller: each answer names its node.

They are asked at each node's EXTERNAL address (NodePort) and, where the lab has addresses for Services, at their own.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

from labkit.description.lab import Machine
from labkit.pxe import images
from labkit.verify import pods
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

IMAGE = images.WEB_SERVER
REPLICAS = 3
SERVICE_PORT = 80
ANSWER_TIMEOUT_S = 30
REQUEST_TIMEOUT_S = 5
SELECTOR = {"app": "nginx"}
Where = Callable[[], tuple[str, int] | None]
SAY_MY_NODE = f"{pods.NAME_MY_NODE} && {pods.SERVE}"


def check(cluster: Cluster) -> list[Row]:
    """Rows about the Deployment, its spread, an answer at each node's EXTERNAL address and one at the Service's own."""
    lab = cluster.session.lab
    if cluster.lacks_network:
        return [Row("nginx", "not proven here", cluster.lacks_network)]
    cluster.apply(_deployment(), _service("LoadBalancer" if lab.address_pool else "NodePort"))
    rolled_out = _roll_out(cluster)
    pods = [pod for pod in cluster.mine("pods", "--selector=app=nginx") if pod["status"].get("phase") == "Running"]
    carriers = {pod["spec"]["nodeName"] for pod in pods}
    port = cluster.one("service", "nginx")["spec"]["ports"][0]["nodePort"]
    end = cluster.clock.now() + (ANSWER_TIMEOUT_S if rolled_out.result == "ok" else 0)
    answers = [_answer(cluster, machine.name, _at(machine, port), carriers, end) for machine in lab.nodes]
    own = [_answer(cluster, "its own address", _own_address(cluster), carriers, end)] if lab.address_pool else []
    return [rolled_out, _spread(cluster, carriers), *answers, *own]


def _roll_out(cluster: Cluster) -> Row:
    begin, limit = cluster.clock.now(), cluster.session.lab.timeouts.verify_s
    name = f"nginx, {REPLICAS} replicas"

    def is_available() -> bool:
        status = cluster.one("deployment", "nginx").get("status", {})
        return int(status.get("availableReplicas", 0)) == REPLICAS

    done = cluster.until(is_available, limit)
    seconds = cluster.clock.now() - begin
    if done:
        return Row(name, "ok", "all available", seconds)
    pods = cluster.tail("--namespace", cluster.namespace, "describe", "pods", "--selector=app=nginx")
    return Row(name, "failed", f"not all available after {limit} s", seconds, pods)


def _spread(cluster: Cluster, carriers: set[str]) -> Row:
    """The control plane takes no pods unless it is a worker too, so workers count."""
    expected = min(REPLICAS, len(cluster.session.lab.workers))
    return Row("nginx is spread", passed_if(len(carriers) >= expected), ", ".join(sorted(carriers)) or "on no node")


def _at(machine: Machine, port: int) -> Where:
    return lambda: (str(machine.external.address), port)


def _own_address(cluster: Cluster) -> Where:
    """Where the Service itself answers, as soon as it was given an address; asked again until then."""

    def look() -> tuple[str, int] | None:
        status = cluster.one("service", "nginx").get("status", {})
        given = [entry["ip"] for entry in status.get("loadBalancer", {}).get("ingress", []) if "ip" in entry]
        return (given[0], SERVICE_PORT) if given else None

    return look


def _answer(cluster: Cluster, at: str, where: Where, carriers: set[str], end: float) -> Row:
    begin = cluster.clock.now()
    place, said = "", "the Service was given no address"

    def names_a_node() -> bool:
        nonlocal place, said
        found = where()
        if found is None:
            return False
        place, said = f"http://{found[0]}:{found[1]}/", _ask(*found)
        return said in carriers

    good = cluster.until(names_a_node, end - begin)
    seconds = cluster.clock.now() - begin
    if good:
        return Row(f"nginx answers at {at}", "ok", f"{place} says {said}", seconds)
    seen = f"{place}: {said or 'an empty answer'}" if place else said
    return Row(f"nginx answers at {at}", "failed", seen, seconds, _story(cluster))


def _story(cluster: Cluster) -> str:
    """What the replicas logged last, and what became of their Service."""
    mine = ("--namespace", cluster.namespace)
    logged = cluster.tail(*mine, "logs", "--selector=app=nginx", "--tail=5")
    return f"{logged}\n{cluster.tail(*mine, 'describe', 'service', 'nginx')}"


def _ask(address: str, port: int) -> str:
    """The body of GET / at once and directly, whatever proxy the environment names; errors are what was said."""
    connection = HTTPConnection(address, port, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read(1000).decode("utf-8", "replace").strip()
        return body if response.status == 200 else f"HTTP {response.status}"
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def _deployment() -> dict[str, Any]:
    container = {**pods.container("nginx", IMAGE, SAY_MY_NODE), "ports": [{"containerPort": 80}]}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": SELECTOR},
        "nodeTaintsPolicy": "Honor",  # else the tainted control plane counts as an empty node and blocks the third pod
    }
    pod = {
        "metadata": {"labels": SELECTOR},
        "spec": {
            "containers": [container],
            "topologySpreadConstraints": [spread],
            "terminationGracePeriodSeconds": 1,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nginx", "labels": SELECTOR},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": SELECTOR}, "template": pod},
    }


def _service(kind: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "nginx", "labels": SELECTOR},
        "spec": {"type": kind, "selector": SELECTOR, "ports": [{"port": SERVICE_PORT, "targetPort": 80}]},
    }
