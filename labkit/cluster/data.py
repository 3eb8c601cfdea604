"""What people stored on the NFS server, and removing it: the one thing that no rebuilding touches."""

from __future__ import annotations

import json
from dataclasses import dataclass

from labkit import consent
from labkit.cluster import stages, tree
from labkit.cluster.ask import ask
from labkit.errors import MissingError
from labkit.lab import Machine
from labkit.session import Session

FOLDER = "/srv/nfs"
COMMAND = "inv nfs.destroy-data"


@dataclass(frozen=True)
class Volume:
    """A claim's folder on the server, `namespace/claim`, and its size in KiB."""

    path: str
    size_kib: int


def storage(s: Session) -> Machine:
    """The storage machine; MissingError when this lab has none."""
    if s.lab.storage is None:
        raise MissingError("this lab has no storage machine", "give one machine the role storage, then `inv nfs.all`")
    return s.lab.storage


def volumes(s: Session) -> list[Volume]:
    """What lies on the server, sorted by path."""
    machine = storage(s)
    lines = ask(s, [machine], "volumes.sh", lambda _: [FOLDER])[machine.name].splitlines()
    return [Volume(path, int(size)) for path, _, size in (line.rpartition("\t") for line in lines)]


def destroy(s: Session, *, dry: bool) -> bool:
    """Remove the volumes shown and no others, after a consent of its own; return whether that happened."""
    found = volumes(s)
    what = [f"{storage(s).name}: {FOLDER}/{volume.path} ({volume.size_kib} KiB)" for volume in found]
    if not consent.require(s, what, COMMAND, dry=dry, data=True):
        return False
    tree.push(s)
    shown = json.dumps({"destroy_data_paths": [volume.path for volume in found]})
    stages.play(s, "nfs.destroy-data", ["destroy-data.yml", "--extra-vars", shown])
    return True
