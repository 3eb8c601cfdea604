"""Which machines hold what of a cluster, by what lies on them: an API that is down cannot be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit.description.lab import Machine
from labkit.k8s.ask import ask
from labkit.session import Session


@dataclass(frozen=True)
class Part:
    """One thing of a cluster on a machine: its kind, as members.sh names it, and what it is in words."""

    kind: str
    words: str

    @property
    def is_only_left(self) -> bool:
        """Whether it comes of a join or an init that broke off: no cluster knows of it."""
        return self.kind == "left"


def held(s: Session, machines: Iterable[Machine]) -> dict[str, list[Part]]:
    """For each machine that holds something of a cluster, what that is; UnreachableError when one does not answer."""
    said = ask(s, machines, "members.sh")
    return {machine: [Part(*line.split("\t")) for line in text.splitlines()] for machine, text in said.items() if text}
