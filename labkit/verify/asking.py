"""Pods that ask something and say what came of it: scripts of lines that begin with `try KEY COMMAND...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.errors import LabError
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row

Told = dict[str, tuple[int, str]]
"""By its key, what came of each try: an exit code, and what was said."""

NOTHING = (1, "nothing was said")
# The image of nginx has curl and getent.
PRELUDE = """\
try() { key=$1; shift; said=$("$@" 2>&1); echo "$key $? $said" | tr '\\n' ' '; echo; }
fetch() { curl --silent --show-error --fail --max-time 10 "$@"; }
soon() { for _ in 1 2 3 4 5; do fetch "$@" && return; sleep 1; done; fetch "$@"; }
"""


def parse(text: str) -> Told:
    """A pod's log, one line a try: `KEY EXITCODE WORDS`."""
    rows = (line.split(" ", 2) for line in text.splitlines() if line.count(" ") >= 2)
    return {key: (int(code), said.strip()) for key, code, said in rows}


def address(cluster: Cluster, pod: str, end: float) -> str | None:
    """The address of a pod as soon as it runs; None when it does not by `end`, a time of the cluster's clock."""
    found = _await(cluster, pod, end, lambda status: status.get("phase") == "Running" and bool(status.get("podIP")))
    return str(found["podIP"]) if found else None


def answer(cluster: Cluster, pod: str, end: float) -> Told | None:
    """What a pod said, once it has ended; None when it does not by `end`. LabError when it could not even ask."""
    found = _await(cluster, pod, end, lambda status: status.get("phase") in ("Succeeded", "Failed"))
    if found is None:
        return None
    if found["phase"] == "Failed":
        raise LabError(f"the pod {pod} failed before it could ask")
    return parse(cluster.kubectl("--namespace", cluster.namespace, "logs", pod))


def silent(cluster: Cluster, row: str, pod: str, begin: float) -> Row:
    """The row where a pod did not come up, with its story."""
    detail = cluster.tail("--namespace", cluster.namespace, "describe", "pod", pod)
    return Row(row, "failed", f"pod {pod} did not come up", cluster.clock.now() - begin, detail)


def _await(cluster: Cluster, pod: str, end: float, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    status: dict[str, Any] = {}

    def is_done() -> bool:
        nonlocal status
        status = cluster.one("pod", pod)["status"]
        return done(status)

    return status if cluster.until(is_done, end - cluster.clock.now()) else None
