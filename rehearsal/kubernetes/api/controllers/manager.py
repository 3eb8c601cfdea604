"""kube-controller-manager: start every controller over one client."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .. import health
from ..client import Client
from ..flags import Flags
from ..stopping import until_stopped
from .certificates import Certificates
from .cidrs import NodeRanges
from .cluster import Cluster
from .daemonsets import DaemonSets
from .deployments import Deployments
from .endpoints import ServiceEndpoints
from .eviction import TaintEviction
from .garbage import GarbageCollector
from .namespaces import Namespaces
from .nodes import NodeLifecycle
from .podgc import PodCollector
from .replicasets import ReplicaSets
from .tokens import BootstrapSigner, TokenCleaner
from .volumes import Volumes

ALWAYS: tuple[Callable[[Cluster], object], ...] = (
    Namespaces,
    NodeRanges,
    NodeLifecycle,
    TaintEviction,
    PodCollector,
    Deployments,
    ReplicaSets,
    DaemonSets,
    ServiceEndpoints,
    GarbageCollector,
    Certificates,
    Volumes,
)
# As in the real controller manager these two run only when --controllers names them.
NAMED: dict[str, Callable[[Cluster], object]] = {"bootstrapsigner": BootstrapSigner, "tokencleaner": TokenCleaner}
log = logging.getLogger("controller-manager")


def run(flags: Flags) -> int:
    """Work until stopped; 0."""
    health.serve(flags.text("bind-address"), flags.number("secure-port"), "kube-controller-manager")
    client = Client.from_kubeconfig(flags.text("kubeconfig"))
    cluster = Cluster(client, flags, "controller-manager")
    wanted = flags.text("controllers").split(",")
    chosen = [*ALWAYS, *(controller for name, controller in NAMED.items() if name in wanted)]
    started = [controller(cluster) for controller in chosen]
    cluster.start()
    log.info("stand-in for kube-controller-manager runs %d controllers", len(started))
    until_stopped()
    return 0
