"""What the living cluster was made with, against the description: stages keep a cluster as it is, and never remake it.

It is asked on the control plane, of the files that this runs from: a cluster whose API server is down is to be
repaired, and one that agrees with the description is no obstacle to that.
"""

from __future__ import annotations

from labkit.description.lab import Lab
from labkit.errors import RefusedError
from labkit.k8s.ask import ask
from labkit.session import Session


def refuse(s: Session) -> None:
    """Raise RefusedError where the cluster was made with something else than is described; nothing was changed then.

    Where there is no cluster, there is nothing to disagree with. UnreachableError when the control plane is silent.
    """
    said = _said(s)
    different = _differences(s.lab, said)
    if different:
        raise RefusedError((f"{one}; nothing was changed" for one in different), _hint(s.lab, said))


def _said(s: Session) -> dict[str, list[str]]:
    """What cluster.sh said: the values of each key of `kubernetes`."""
    text = ask(s, [s.lab.control_plane], "cluster.sh")[s.lab.control_plane.name]
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    return said


def _differences(lab: Lab, said: dict[str, list[str]]) -> list[str]:
    """A sentence for each key of `kubernetes` of which the cluster has another value."""
    return [
        f"the cluster of {lab.name} was made with kubernetes.{key} {', '.join(values)}, {lab.source.name} says"
        f" {described}"
        for key, values in said.items()
        if (described := str(getattr(lab.kubernetes, key))) not in values
    ]


def _hint(lab: Lab, said: dict[str, list[str]]) -> str:
    back = f"or write in {lab.source.name} what the cluster has"
    rebuild = "`inv lab.rebuild` makes the machines anew, and the cluster"
    versions = said.get("version", [])
    if versions and _ordered(lab.kubernetes.version) < _ordered(versions[0]):
        return f"installed packages are not taken back: {rebuild}; {back}"
    reset = "`inv k8s.reset`, then `inv k8s.all`, makes the cluster anew on its machines"
    return f"{reset}; {rebuild}; what NFS stores stays either way, all else of the cluster goes; {back}"


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
