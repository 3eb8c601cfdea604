"""Whether the nodes live again: of one that was off, or taken back in time, the cluster tells what was before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from labkit.errors import DeadlineError, LabError
from labkit.k8s import kubectl
from labkit.session import Session

PAUSE_S = 2.0
LEASES = ("get", "leases", "--namespace", "kube-node-lease", "--output=json")


def wait_for_all(s: Session, timeout_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until every kubelet has renewed its Lease and its node is Ready; at once where there is no cluster.

    A kubelet renews it every 10 s (a quarter of its nodeLeaseDurationSeconds). A renewal is told by a new time, never
    by a clock. Raises DeadlineError with the nodes that stayed silent after `timeout_s` seconds.
    """
    if not kubectl.has_cluster(s):
        return
    end, first = time.monotonic() + timeout_s, _renewed(s)
    silent = {node.name for node in s.lab.nodes}
    while silent:
        if time.monotonic() > end:
            raise DeadlineError(
                f"{', '.join(sorted(silent))}: no sign of a kubelet for {timeout_s:.0f} s",
                "`inv k8s.status` shows the nodes; `inv lab.up` repairs what has gone missing",
            )
        sleep(PAUSE_S)
        now = _renewed(s)
        silent = {name for name in silent if name not in now or now[name] == first.get(name, now[name])}
        first = now | first  # of a node that was not seen before, the next renewal counts
    left_s = max(end - time.monotonic(), 1.0)
    limit = f"--timeout={left_s:.0f}s"
    kubectl.run(s, "wait", "--for=condition=Ready", limit, "nodes", "--all", timeout_s=left_s + kubectl.TIMEOUT_S)


def _renewed(s: Session) -> dict[str, str]:
    """When each kubelet last renewed its Lease, by node, as it says itself; empty while the API server is silent."""
    try:
        leases = json.loads(kubectl.run(s, *LEASES))["items"]
    except LabError:
        return {}
    return {lease["metadata"]["name"]: str(lease["spec"].get("renewTime")) for lease in leases}
