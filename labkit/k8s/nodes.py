"""One node as the cluster sees it: looked at, emptied of its pods, forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError, MissingError
from labkit.k8s import kubectl
from labkit.k8s.facts import NodeFacts
from labkit.session import Session

DRAIN_S = 120.0  # a pod may take 30 s to end, and a disruption budget lets them go one after the other
QUICK = "--request-timeout=10s"
FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Node:
    """A Node object. `moving`: how many of its pods a controller makes anew elsewhere; `lost`: what nothing does."""

    name: str
    is_ready: bool
    moving: int = 0
    lost: tuple[str, ...] = ()


def find(s: Session, name: str) -> Node | None:
    """The node of that name with what runs there, or None when the cluster has none.

    Raises MissingError when no cluster was made, UnreachableError and LabError when it cannot be asked.
    """
    if not kubectl.has_cluster(s):
        raise MissingError(f"{s.lab.control_plane.name} is no control plane yet", "run `inv k8s.all`")
    text = kubectl.run(s, "get", "node", name, "--ignore-not-found", "--output=json", QUICK)
    if not text.strip():
        return None
    there = f"--field-selector=spec.nodeName={name}"
    listed = json.loads(kubectl.run(s, "get", "pods", "--all-namespaces", there, "--output=json", QUICK))["items"]
    pods = [pod for pod in listed if not _stays(pod)]
    moving = sum(_controller(pod) is not None for pod in pods)
    return Node(
        name, NodeFacts.of(json.loads(text)).is_ready, moving, tuple(line for pod in pods for line in _losses(pod))
    )


def describe(node: Node) -> list[str]:
    """What goes when the node leaves its cluster, a line each."""
    if node.is_ready:
        pods = f"{node.moving} pods are evicted and made anew elsewhere"
    else:
        pods = f"it is not Ready, so its {node.moving} pods are made anew elsewhere without having been ended"
    return [f"node {node.name} of the cluster: {pods}", *node.lost]


def drain(s: Session, node: Node) -> None:
    """Evict the node's pods and wait until they have ended, for DRAIN_S seconds; it takes no new ones from then on.

    A node that is not Ready, or ceases to be meanwhile, has no kubelet to end them, and is not waited for. Raises the
    LabError of a Ready one that pods did not leave; it stays cordoned.
    """
    back = f"`kubectl uncordon {node.name}` lets pods onto it again"
    if not node.is_ready:
        s.console.print(f"    {node.name} is not Ready: it is not drained, nobody there would end its pods")
        return
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", f"--timeout={DRAIN_S:.0f}s")
    try:
        kubectl.run(s, "drain", node.name, *options, timeout_s=DRAIN_S + kubectl.TIMEOUT_S)
    except KeyboardInterrupt:
        s.console.print(f"\n{node.name} takes no new pods; {back}")
        raise
    except LabError as error:
        now = find(s, node.name)
        if now and now.is_ready:
            raise type(error)(
                f"{node.name} was not drained within {DRAIN_S:.0f} s; it is still whole: {error.problem}",
                f"{back}; `inv os.reinstall --machine {node.name}`, then `inv k8s.join`, asks no pod",
            ) from None
        s.console.print(f"    {node.name} is not Ready any more: its pods are not waited for")


def forget(s: Session, name: str) -> None:
    """Remove the Node object, if it is there; LabError when the cluster does not do so within a minute."""
    kubectl.run(s, "delete", "node", name, "--ignore-not-found", f"--timeout={kubectl.TIMEOUT_S:.0f}s", timeout_s=90)


def _stays(pod: dict[str, Any]) -> bool:
    """Whether a drain leaves the pod alone: those of the kubelet itself and of DaemonSets belong to the machine."""
    return "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {}) or _controller(pod) == "DaemonSet"


def _controller(pod: dict[str, Any]) -> str | None:
    """The kind of what makes the pod anew."""
    owners = pod["metadata"].get("ownerReferences", [])
    return next((str(owner["kind"]) for owner in owners if owner.get("controller")), None)


def _losses(pod: dict[str, Any]) -> Iterator[str]:
    """What of a pod is gone for good, a line each."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if pod.get("status", {}).get("phase") in FINISHED:
        return
    if _controller(pod) is None:
        yield f"pod {name}, which nothing makes anew"
    volumes = [volume["name"] for volume in pod["spec"].get("volumes", []) if "emptyDir" in volume]
    if volumes:
        yield f"what pod {name} keeps in emptyDir ({', '.join(volumes)})"
