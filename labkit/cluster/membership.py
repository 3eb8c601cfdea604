"""Which machines hold what of a cluster, by what lies on them: an API that is down cannot be asked."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.cluster.ask import ask
from labkit.lab import Machine
from labkit.session import Session


def held(s: Session, machines: Iterable[Machine]) -> dict[str, list[str]]:
    """For each machine that holds something of a cluster, what that is; UnreachableError when one does not answer."""
    said = ask(s, machines, "members.sh")
    return {machine: text.splitlines() for machine, text in said.items() if text}
