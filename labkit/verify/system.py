"""The cluster's own parts: its pods run and are ready on every node, and its API server's certificate is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.errors import LabError
from labkit.k8s import apicertificate
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

NAMESPACES = ("kube-system", "kube-flannel", "metallb-system")
SHORTEST = timedelta(days=14)  # kubeadm's certificates are good for a year


def check(cluster: Cluster) -> list[Row]:
    """One row about the pods, after they had their time to come up, and one about the certificate."""
    return [_pods(cluster), _certificate(cluster)]


def _pods(cluster: Cluster) -> Row:
    if cluster.lacks_network:
        return Row("system pods are ready", "not proven here", cluster.lacks_network)
    begin, limit = cluster.clock.now(), cluster.session.lab.timeouts.verify_s
    found: list[dict[str, Any]] = []

    def all_are_ready() -> bool:
        nonlocal found
        every = cluster.read("pods", "--all-namespaces")["items"]
        found = [pod for pod in every if pod["metadata"]["namespace"] in NAMESPACES]
        return bool(found) and all(_trouble(pod) is None for pod in found)

    good = cluster.until(all_are_ready, limit)
    seconds = cluster.clock.now() - begin
    wrong = [f"{_named(pod)}: {trouble}" for pod in found if (trouble := _trouble(pod))]
    shown = "; ".join(wrong) if found else "there are none"
    if good:
        return Row("system pods are ready", "ok", f"{len(found)} pods", seconds)
    broken = next((pod for pod in found if _trouble(pod)), None)
    return Row("system pods are ready", "failed", shown, seconds, _story(cluster, broken) if broken else "")


def _trouble(pod: dict[str, Any]) -> str | None:
    """Why a pod is not what it should be; None for one that runs and is ready, has done its work, or just goes."""
    status = pod["status"]
    if status.get("phase") == "Succeeded" or "deletionTimestamp" in pod["metadata"]:
        return None
    waiting = [one["state"]["waiting"]["reason"] for one in status.get("containerStatuses", []) if _waits(one)]
    ready = next((one["status"] for one in status.get("conditions", []) if one["type"] == "Ready"), "unknown")
    if waiting:
        return ", ".join(dict.fromkeys(waiting))
    if status.get("phase") != "Running":
        return str(status.get("phase", "no phase"))
    return None if ready == "True" else f"Ready is {ready}"


def _waits(container: dict[str, Any]) -> bool:
    return "reason" in container.get("state", {}).get("waiting", {})


def _named(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}"


def _story(cluster: Cluster, pod: dict[str, Any]) -> str:
    return cluster.tail("--namespace", pod["metadata"]["namespace"], "describe", "pod", pod["metadata"]["name"])


def _certificate(cluster: Cluster) -> Row:
    """By a TLS handshake from outside: what it names counts where clients come from."""
    begin = cluster.clock.now()
    lab, machine = cluster.session.lab, cluster.session.lab.control_plane
    name, address = "certificate of the API server", str(machine.external.address)
    try:
        certificate = apicertificate.fetch(address)
    except LabError as error:
        return Row(name, "failed", error.problem, cluster.clock.now() - begin)
    unnamed = apicertificate.unnamed(lab, certificate)
    until = certificate.not_valid_after_utc
    wrong = [f"does not name {', '.join(unnamed)}"] if unnamed else []
    if until - datetime.now(UTC) < SHORTEST:
        wrong.append(f"ends on {until:%Y-%m-%d}: `kubeadm certs renew all` on {machine.name}, then restart it")
    right = f"good until {until:%Y-%m-%d}, names every way to it"
    seconds, detail = cluster.clock.now() - begin, apicertificate.renewal(lab) if unnamed else ""
    return Row(name, passed_if(not wrong), "; ".join(wrong) or right, seconds, detail)
