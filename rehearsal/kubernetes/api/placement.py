"""Whether a pod may run on a node: selectors, affinity to nodes, taints. Used by the scheduler and for DaemonSets.

Stands in for k8s.io/component-helpers/scheduling/corev1.
"""

from __future__ import annotations

from .objects import Obj, dig, labels_of, name_of
from .selection import requirement_holds


def tolerates(tolerations: list[Obj], taint: Obj) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(_covers(one, taint) for one in tolerations)


def _covers(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def untolerated(spec: Obj, node: Obj, effects: tuple[str, ...] = ("NoSchedule", "NoExecute")) -> Obj | None:
    """The first taint of the node with one of `effects` that the pod does not tolerate."""
    tolerations = spec.get("tolerations") or []
    for taint in dig(node, "spec.taints", []):
        if taint.get("effect") in effects and not tolerates(tolerations, taint):
            found: Obj = taint
            return found
    return None


def node_fits(spec: Obj, node: Obj) -> bool:
    """nodeSelector and the required node affinity."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    terms = dig(spec, affinity)
    return terms is None or any(_term_fits(term, node) for term in terms)


def _term_fits(term: Obj, node: Obj) -> bool:
    fields = {"metadata.name": name_of(node)}
    if not term.get("matchExpressions") and not term.get("matchFields"):
        return False
    return all(requirement_holds(one, labels_of(node)) for one in term.get("matchExpressions") or []) and all(
        requirement_holds(one, fields) for one in term.get("matchFields") or []
    )
