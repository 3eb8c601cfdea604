"""What the NFS server is and holds, read only."""

from __future__ import annotations

from rich.table import Table

from labkit.errors import MissingError
from labkit.k8s import stages
from labkit.k8s.status import show_stages
from labkit.nfs import data
from labkit.session import Session


def show(s: Session) -> None:
    """Print what the NFS server holds, and which stages are done, or that this lab has none.

    MissingError when the storage machine serves nothing yet.
    """
    machine = data.storage(s)
    if machine is None:
        return
    lacks = stages.missing(s, "nfs.server")
    if lacks:
        raise MissingError(
            f"there is no NFS server yet ({lacks})", "run `inv nfs.server`, or `inv nfs.all` for all of it"
        )
    table = Table("volume", "size", title=f"{s.lab.name}: {machine.name}:{data.FOLDER}", title_justify="left")
    for volume in data.volumes(s, machine):
        table.add_row(volume.path, f"{volume.size_kib / 1024:.1f} MiB")
    s.output.print(table)
    show_stages(s, ["nfs.server", "nfs.storage"])
