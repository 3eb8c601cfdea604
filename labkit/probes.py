"""Which quick look tells that a stage is satisfied: the visible table.

A probe reads for some seconds at most and changes nothing. It returns None when the stage has nothing to do, else one
sentence that says what is missing. Only stages that nobody named are probed; `labkit.executor` says when.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from labkit.errors import DeadlineError, MissingError, UnreachableError
from labkit.session import Session

Probe = Callable[[Session], str | None]


def _of(module: str, *more: str) -> Probe:
    """The function `missing` of a module, imported when it is asked: most command lines need none of them."""

    def probe(session: Session) -> str | None:
        answer: str | None = import_module(module).missing(session, *more)
        return answer

    return probe


_cluster = partial(_of, "labkit.cluster.stages")

PROBES: dict[str, Probe] = {
    "hyperv.create": _of("labkit.hyperv.create"),
    "os.bootstrap": _of("labkit.machines.bootstrap"),
    "pxe.setup": _of("labkit.pxe.setup"),
    "pxe.publish": _of("labkit.pxe.publish"),
    "os.install": _of("labkit.machines.install"),
    "k8s.bootstrap": _cluster("k8s.bootstrap"),
    "k8s.prepare": _cluster("k8s.prepare"),
    "k8s.control-plane": _cluster("k8s.control-plane"),
    "k8s.cni": _cluster("k8s.cni"),
    "k8s.join": _cluster("k8s.join"),
    "k8s.load-balancer": _cluster("k8s.load-balancer"),
    "nfs.server": _cluster("nfs.server"),
    "nfs.storage": _cluster("nfs.storage"),
}


def missing(session: Session, stage: str) -> str | None:
    """What `stage` still lacks, or None. What cannot be reached cannot be satisfied, so that is an answer too."""
    try:
        return PROBES[stage](session)
    except (UnreachableError, MissingError, DeadlineError) as error:
        return error.problem.replace("\nerror: ", "; ")  # several hosts' errors, told together
