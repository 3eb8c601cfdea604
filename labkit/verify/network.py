"""The pod network from within: names, a pod on another node, large packets, a Service by its name.

A pod on the last worker serves a page that names its node and a file of a megabyte; one on the first worker asks for
them. Full packets matter: where the network between hosts carries less than its adapters think, small ones pass.
"""

from __future__ import annotations

from typing import Any

from labkit.verify import asking, pods
from labkit.verify.cluster import Cluster
from labkit.verify.nginx import IMAGE
from labkit.verify.rows import Row, passed_if

ROW = "pod network"
LARGE_BYTES = 1 << 20
OUTSIDE = "registry.k8s.io"
INSIDE = "kubernetes.default.svc.cluster.local"
SERVE = f"{pods.NAME_MY_NODE} && head -c {LARGE_BYTES} /dev/zero > {pods.PAGE}/large && {pods.SERVE}"
ASK = f"""\
{asking.PRELUDE}\
try inside getent hosts {INSIDE}
try outside getent hosts {OUTSIDE}
try small soon http://$PEER/
try large fetch --output /dev/null --write-out %{{size_download}} http://$PEER/large
try service fetch http://peer.$NAMESPACE.svc.cluster.local/
"""


def check(cluster: Cluster) -> list[Row]:
    """Five rows, or one without a network; those about two nodes are `not proven here` where only one takes pods."""
    lab, begin = cluster.session.lab, cluster.clock.now()
    if cluster.lacks_network:
        return [Row(ROW, "not proven here", cluster.lacks_network)]
    asker, server = lab.workers[0], lab.workers[-1]
    end = begin + lab.timeouts.verify_s
    cluster.apply(pods.once(server.name, pods.container("peer", IMAGE, SERVE)), _service())
    address = asking.address(cluster, "peer", end)
    if address is None:
        return [asking.silent(cluster, ROW, "peer", begin)]
    given = {"PEER": address, "NAMESPACE": cluster.namespace}
    cluster.apply(pods.once(asker.name, pods.container("asker", IMAGE, ASK, given)))
    told = asking.answer(cluster, "asker", end)
    if told is None:
        return [asking.silent(cluster, ROW, "asker", begin)]
    seconds = cluster.clock.now() - begin
    return [*_names(cluster, told, seconds), *_paths(cluster, told, seconds)]


def _names(cluster: Cluster, told: asking.Told, seconds: float) -> list[Row]:
    code, said = told.get("inside", asking.NOTHING)
    good = code == 0
    rows = [Row("names in the cluster", passed_if(good), said if good else f"{INSIDE} is not known", seconds)]
    code, said = told.get("outside", asking.NOTHING)
    good = code == 0
    name, asker = "names outside the cluster", cluster.session.lab.workers[0]
    if not good and cluster.session.machines.to(asker).run(f"getent hosts {OUTSIDE}", check=False).code != 0:
        return [*rows, Row(name, "not proven here", f"{asker.name} itself does not know {OUTSIDE}", seconds)]
    seen = said if good else f"{OUTSIDE} is known to {asker.name}, not to its pods"
    return [*rows, Row(name, passed_if(good), seen, seconds)]


def _paths(cluster: Cluster, told: asking.Told, seconds: float) -> list[Row]:
    workers = cluster.session.lab.workers
    asker, server = workers[0].name, workers[-1].name
    rows = []
    for key, name, wanted, unit in (
        ("small", "a pod on another node", server, ""),
        ("large", "large packets between pods", str(LARGE_BYTES), " bytes"),
        ("service", "a Service by its name", server, ""),
    ):
        code, said = told.get(key, asking.NOTHING)
        good = code == 0
        result = passed_if(good and said == wanted)
        if result == "ok" and asker == server and key != "service":
            rows.append(Row(name, "not proven here", "only one node takes pods", seconds))
            continue
        detail = "" if result == "ok" else cluster.tail("--namespace", cluster.namespace, "describe", "pods")
        rows.append(Row(name, result, f"from {asker}: {said}{unit if good else ''}", seconds, detail))
    return rows


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "peer"},
        "spec": {"selector": {"app": "peer"}, "ports": [{"port": 80, "targetPort": 80}]},
    }
