"""NetworkPolicy: a pod that lets in one kind of pod hears that one, and no other.

Both askers are on the first worker and ask the same pod on the last one. That the stranger waits in vain counts only
where the friend is heard and the stranger reaches the API server: then it is the policy that keeps it out.
"""

from __future__ import annotations

from typing import Any

from labkit.verify import asking, pods
from labkit.verify.cluster import Cluster
from labkit.verify.nginx import IMAGE
from labkit.verify.rows import Row

ROW = "NetworkPolicy"
DROPPED = 28  # curl(1): the operation timed out; 7, a refusal, is that nobody listens yet
FRIEND = f"{asking.PRELUDE}try friend soon --output /dev/null http://$GUARDED/\n"
STRANGER = f"""\
{asking.PRELUDE}\
knock() {{
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    curl --silent --show-error --output /dev/null --max-time 3 http://$GUARDED/; code=$?
    [ $code -eq 7 ] || return $code; sleep 1
  done
  return $code
}}
try way curl --silent --show-error --insecure --output /dev/null --max-time 10 \
https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/livez
try stranger knock
"""


def check(cluster: Cluster) -> list[Row]:
    """One row; `not proven here` where the pod network does not enforce policies."""
    lab, begin = cluster.session.lab, cluster.clock.now()
    if lab.kubernetes.cni == "flannel":
        return [Row(ROW, "not proven here", "flannel enforces none")]
    if cluster.lacks_network:
        return [Row(ROW, "not proven here", cluster.lacks_network)]
    end = begin + lab.timeouts.verify_s
    cluster.apply(_policy(), pods.once(lab.workers[-1].name, pods.container("guarded", IMAGE, pods.SERVE)))
    guarded = asking.address(cluster, "guarded", end)
    if guarded is None:
        return [asking.silent(cluster, ROW, "guarded", begin)]
    scripts = {"friend": FRIEND, "stranger": STRANGER}
    given = {"GUARDED": guarded}
    cluster.apply(
        *(
            pods.once(lab.workers[0].name, pods.container(name, IMAGE, script, given))
            for name, script in scripts.items()
        )
    )
    told: asking.Told = {}
    for name in scripts:
        said = asking.answer(cluster, name, end)
        if said is None:
            return [asking.silent(cluster, ROW, name, begin)]
        told |= said
    return [_row(told, cluster.clock.now() - begin)]


def _row(told: asking.Told, seconds: float) -> Row:
    """The friend first: where nobody is heard, nothing was kept out."""
    friend, way, stranger = (told.get(key, asking.NOTHING) for key in ("friend", "way", "stranger"))
    if friend[0] != 0:
        return Row(ROW, "failed", f"whom it lets in is not heard: {friend[1]}", seconds)
    if way[0] != 0:
        return Row(ROW, "failed", f"the stranger reaches nobody at all: {way[1]}", seconds)
    if stranger[0] != DROPPED:
        seen = "is heard, too" if stranger[0] == 0 else f"ended with {stranger[0]}: {stranger[1]}"
        return Row(ROW, "failed", f"whom it keeps out {seen}", seconds)
    return Row(ROW, "ok", "whom it lets in is heard, whom it keeps out is not", seconds)


def _policy() -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "guarded"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "guarded"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}]}],
        },
    }
