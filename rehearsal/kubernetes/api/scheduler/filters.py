"""Which nodes a pod fits on, and the words for those it does not fit on.

Stands in for the filter plugins NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts,
NodeResourcesFit and PodTopologySpread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ..objects import Obj, dig, is_deleting, labels_of, name_of, namespace_of
from ..placement import node_fits, tolerates, untolerated
from ..quantities import quantity
from ..selection import matches

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
DEFAULT_PODS = 110


@dataclass
class Place:
    """A node and the pods on it."""

    node: Obj
    pods: list[Obj] = field(default_factory=list)

    @property
    def name(self) -> str:
        return name_of(self.node)


Filter = Callable[[Obj, Place, list[Place]], str]


def fitting(pod: Obj, places: list[Place]) -> tuple[list[Place], Counter[str]]:
    """The places where the pod fits, and how often each reason spoke against one."""
    good, reasons = [], Counter[str]()
    for place in places:
        reason = next((text for text in (check(pod, place, places) for check in FILTERS) if text), "")
        if reason:
            reasons[reason] += 1
        else:
            good.append(place)
    return good, reasons


def _schedulable(pod: Obj, place: Place, _: list[Place]) -> str:
    if dig(place.node, "spec.unschedulable") and not tolerates(dig(pod, "spec.tolerations", []), UNSCHEDULABLE):
        return "node(s) were unschedulable"
    return ""


def _taints(pod: Obj, place: Place, _: list[Place]) -> str:
    taint = untolerated(pod["spec"], place.node)
    if not taint:
        return ""
    value = f": {taint['value']}" if taint.get("value") else ": "
    return f"node(s) had untolerated taint {{{taint['key']}{value}}}"


def _affinity(pod: Obj, place: Place, _: list[Place]) -> str:
    return "" if node_fits(pod["spec"], place.node) else "node(s) didn't match Pod's node affinity/selector"


def _host_ports(pod: Obj) -> set[tuple[int, str]]:
    containers = dig(pod, "spec.containers", [])
    ports = [port for one in containers for port in one.get("ports") or [] if port.get("hostPort")]
    return {(port["hostPort"], port.get("protocol", "TCP")) for port in ports}


def _ports(pod: Obj, place: Place, _: list[Place]) -> str:
    wanted = _host_ports(pod)
    if wanted and any(wanted & _host_ports(other) for other in place.pods):
        return "node(s) didn't have free ports for the requested pod ports"
    return ""


def requests(pod: Obj) -> Counter[str]:
    """What the pod's containers ask for, in cores and bytes; init containers count where they ask for more."""
    total: Counter[str] = Counter()
    for container in dig(pod, "spec.containers", []):
        for name, value in dig(container, "resources.requests", {}).items():
            total[name] += quantity(value)  # type: ignore[assignment]
    for container in dig(pod, "spec.initContainers", []):
        for name, value in dig(container, "resources.requests", {}).items():
            total[name] = max(total[name], quantity(value))  # type: ignore[assignment]
    return total


def _resources(pod: Obj, place: Place, _: list[Place]) -> str:
    room = dig(place.node, "status.allocatable", {})
    if len(place.pods) + 1 > quantity(room.get("pods", DEFAULT_PODS)):
        return "Too many pods"
    wanted = requests(pod)
    used: Counter[str] = Counter()
    for other in place.pods:
        used.update(requests(other))
    for name, amount in wanted.items():
        if amount and used[name] + amount > quantity(room.get(name, 0)):
            return f"Insufficient {name}"
    return ""


def _spread(pod: Obj, place: Place, places: list[Place]) -> str:
    for rule in dig(pod, "spec.topologySpreadConstraints", []):
        if rule["whenUnsatisfiable"] != "DoNotSchedule":
            continue
        key = rule["topologyKey"]
        here = labels_of(place.node).get(key)
        if here is None:
            return "node(s) didn't match pod topology spread constraints (missing required label)"
        counts = _matching_pods(pod, rule, places)
        itself = 1 if matches(rule.get("labelSelector"), labels_of(pod)) else 0
        if counts[here] + itself - min(counts.values(), default=0) > rule["maxSkew"]:
            return "node(s) didn't match pod topology spread constraints"
    return ""


def _matching_pods(pod: Obj, rule: Obj, places: list[Place]) -> Counter[str]:
    """Matching pods in each domain. Domains are those of nodes that the pod's own affinity lets in (Honor), and
    tainted nodes count too (Ignore), as the policies default."""
    counts: Counter[str] = Counter()
    honours_taints = rule.get("nodeTaintsPolicy", "Ignore") == "Honor"
    for place in places:
        domain = labels_of(place.node).get(rule["topologyKey"])
        if domain is None or not node_fits(pod["spec"], place.node):
            continue
        if honours_taints and untolerated(pod["spec"], place.node):
            continue
        chosen = [
            one
            for one in place.pods
            if namespace_of(one) == namespace_of(pod)
            and not is_deleting(one)
            and matches(rule.get("labelSelector"), labels_of(one))
        ]
        counts[domain] += len(chosen)
    return counts


FILTERS: tuple[Filter, ...] = (_schedulable, _taints, _affinity, _ports, _resources, _spread)


def summary(total: int, reasons: Counter[str]) -> str:
    """The message of FailedScheduling."""
    if not total:
        return "no nodes available to schedule pods"
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"0/{total} nodes are available: {told}."
