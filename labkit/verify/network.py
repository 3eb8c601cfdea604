"""The pod network from within: names, a pod on another node, large packets, a Service by its name.

A pod on the last worker serves a page that names its node and a file of a megabyte; one on the first worker asks for
them. Full packets matter: where the network between hosts carries less than its adapters think, small ones pass.
"""

from __future__ import annotations

from typing import Any

from labkit.errors import LabError
from labkit.verify import pods
from labkit.verify.cluster import Cluster
from labkit.verify.nginx import IMAGE
from labkit.verify.rows import Row, passed_if

LARGE_BYTES = 1 << 20
OUTSIDE = "registry.k8s.io"
INSIDE = "kubernetes.default.svc.cluster.local"
SERVE = f"{pods.NAME_MY_NODE} && head -c {LARGE_BYTES} /dev/zero > {pods.PAGE}/large && {pods.SERVE}"
# Each line: a key, whether it went well (0), and what was said. The image of nginx has curl and getent.
ASK = """\
try() { key=$1; shift; said=$("$@" 2>&1); echo "$key $? $said" | tr '\\n' ' '; echo; }
fetch() { curl --silent --show-error --fail --max-time 10 "$@"; }
soon() { for _ in 1 2 3 4 5; do fetch "$@" && return; sleep 1; done; fetch "$@"; }
try inside getent hosts INSIDE
try outside getent hosts OUTSIDE
try small soon http://$PEER/
try large fetch --output /dev/null --write-out %{size_download} http://$PEER/large
try service fetch http://peer.$NAMESPACE.svc.cluster.local/
"""


def check(cluster: Cluster) -> list[Row]:
    """Five rows; those about two nodes are `not proven here` where only one takes pods."""
    lab, begin = cluster.session.lab, cluster.clock.now()
    asker, server = lab.workers[0], lab.workers[-1]
    end = begin + lab.timeouts.verify_s
    cluster.apply(pods.once(server.name, pods.container("peer", IMAGE, SERVE)), _service())
    address = _await(cluster, "peer", end, lambda pod: pod["status"].get("podIP") if _runs(pod) else None)
    if address is None:
        return [_silent(cluster, "peer", begin)]
    given = {"PEER": address, "NAMESPACE": cluster.namespace}
    cluster.apply(pods.once(asker.name, pods.container("asker", IMAGE, _script(), given)))
    if _await(cluster, "asker", end, lambda pod: pod["status"].get("phase") if _ended(pod) else None) is None:
        return [_silent(cluster, "asker", begin)]
    told = parse(cluster.kubectl("--namespace", cluster.namespace, "logs", "asker"))
    seconds = cluster.clock.now() - begin
    return [*_names(cluster, told, seconds), *_paths(cluster, told, seconds)]


def parse(text: str) -> dict[str, tuple[bool, str]]:
    """The asker's lines, by their keys: whether it went well, and what was said."""
    rows = (line.split(" ", 2) for line in text.splitlines() if line.count(" ") >= 2)
    return {key: (code == "0", said.strip()) for key, code, said in rows}


def _names(cluster: Cluster, told: dict[str, tuple[bool, str]], seconds: float) -> list[Row]:
    good, said = told.get("inside", (False, "nothing was said"))
    rows = [Row("names in the cluster", passed_if(good), said if good else f"{INSIDE} is not known", seconds)]
    good, said = told.get("outside", (False, "nothing was said"))
    name, asker = "names outside the cluster", cluster.session.lab.workers[0]
    if not good and cluster.session.machines.to(asker).run(f"getent hosts {OUTSIDE}", check=False).code != 0:
        return [*rows, Row(name, "not proven here", f"{asker.name} itself does not know {OUTSIDE}", seconds)]
    seen = said if good else f"{OUTSIDE} is known to {asker.name}, not to its pods"
    return [*rows, Row(name, passed_if(good), seen, seconds)]


def _paths(cluster: Cluster, told: dict[str, tuple[bool, str]], seconds: float) -> list[Row]:
    workers = cluster.session.lab.workers
    asker, server = workers[0].name, workers[-1].name
    rows = []
    for key, name, wanted, unit in (
        ("small", "a pod on another node", server, ""),
        ("large", "large packets between pods", str(LARGE_BYTES), " bytes"),
        ("service", "a Service by its name", server, ""),
    ):
        good, said = told.get(key, (False, "nothing was said"))
        result = passed_if(good and said == wanted)
        if result == "ok" and asker == server and key != "service":
            rows.append(Row(name, "not proven here", "only one node takes pods", seconds))
            continue
        detail = "" if result == "ok" else cluster.tail("--namespace", cluster.namespace, "describe", "pods")
        rows.append(Row(name, result, f"from {asker}: {said}{unit if good else ''}", seconds, detail))
    return rows


def _await(cluster: Cluster, name: str, end: float, look: Any) -> str | None:
    found: str | None = None

    def is_there() -> bool:
        nonlocal found
        found = look(cluster.one("pod", name))
        return found is not None

    cluster.until(is_there, end - cluster.clock.now())
    return found


def _runs(pod: dict[str, Any]) -> bool:
    return bool(pod["status"].get("phase") == "Running")


def _ended(pod: dict[str, Any]) -> bool:
    if pod["status"].get("phase") == "Failed":
        raise LabError("the asking pod failed before it could ask")
    return bool(pod["status"].get("phase") == "Succeeded")


def _silent(cluster: Cluster, pod: str, begin: float) -> Row:
    detail = cluster.tail("--namespace", cluster.namespace, "describe", "pod", pod)
    return Row("pod network", "failed", f"pod {pod} did not come up", cluster.clock.now() - begin, detail)


def _script() -> str:
    return ASK.replace("INSIDE", INSIDE).replace("OUTSIDE", OUTSIDE)


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "peer"},
        "spec": {"selector": {"app": "peer"}, "ports": [{"port": 80, "targetPort": 80}]},
    }
