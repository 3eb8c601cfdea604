"""What people stored on the NFS server, and removing it: the one thing that no rebuilding touches."""

from __future__ import annotations

import json
from dataclasses import dataclass

from labkit.description.lab import Machine
from labkit.k8s import stages, tree
from labkit.k8s.ask import ask
from labkit.line import consent
from labkit.session import Session

FOLDER = "/srv/nfs"
COMMAND = "inv nfs.destroy-data"


@dataclass(frozen=True)
class Volume:
    """A claim's folder on the server, `namespace/claim`, and its size in KiB."""

    path: str
    size_kib: int


def storage(s: Session) -> Machine | None:
    """The storage machine; None, which is said, where no machine of this lab has that role."""
    if s.lab.storage is None:
        s.output.print(f"{s.lab.name} has no machine with the role storage; nothing is stored")
    return s.lab.storage


def volumes(s: Session, machine: Machine) -> list[Volume]:
    """What lies on the storage machine, sorted by path."""
    lines = ask(s, [machine], "volumes.sh", lambda _: [FOLDER])[machine.name].splitlines()
    return [Volume(path, int(size)) for path, _, size in (line.rpartition("\t") for line in lines)]


def destroy(s: Session, *, dry: bool) -> bool:
    """Remove the volumes shown and no others, after a consent of its own; return whether that happened."""
    machine = storage(s)
    if machine is None:
        return False
    found = volumes(s, machine)
    what = [f"{machine.name}: {FOLDER}/{volume.path} ({volume.size_kib} KiB)" for volume in found]
    if not consent.require(s, what, COMMAND, dry=dry, data=True):
        return False
    tree.push(s)
    shown = json.dumps({"destroy_data_paths": [volume.path for volume in found]})
    stages.play(s, "nfs.destroy-data", ["destroy-data.yml", "--extra-vars", shown])
    return True
