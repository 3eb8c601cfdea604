"""Which machines hold what of a cluster, by what lies on them: an API that is down cannot be asked."""

from __future__ import annotations

from labkit.cluster.ask import ask
from labkit.session import Session


def held(s: Session) -> dict[str, list[str]]:
    """For each node that holds something of a cluster, what that is; UnreachableError when a node does not answer."""
    said = ask(s, s.lab.nodes, "members.sh")
    return {machine: text.splitlines() for machine, text in said.items() if text}
