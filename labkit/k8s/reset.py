"""Taking the cluster off its nodes. They stay prepared, and the NFS data stays where it is."""

from __future__ import annotations

from labkit.k8s import membership, stages, tree
from labkit.line import consent
from labkit.session import Session

COMMAND = "inv k8s.reset"


def reset(s: Session, *, dry: bool) -> bool:
    """Reset the nodes that hold something of a cluster, and no others, after consent; return whether that happened."""
    found = membership.held(s, s.lab.nodes)
    what = [f"{machine}: {', '.join(part.words for part in parts)}" for machine, parts in found.items()]
    if not consent.require(s, what, COMMAND, dry=dry):
        return False
    tree.push(s)
    stages.play(s, "k8s.reset", ["reset.yml", "--limit", ",".join(found)])
    s.state.kubeconfig.unlink(missing_ok=True)
    return True
