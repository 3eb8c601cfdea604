"""The NFS server and the cluster's use of it."""

from invoke import Context, task

from labkit.line.kinds import Destroyer, Reader, Stage, Umbrella
from labkit.session import session
from tasks.k8s_stages import k8s_join, k8s_prepare


@task(klass=Stage, pre=[k8s_prepare])
def nfs_server(c: Context) -> None:
    """Serve the data disk over NFS, to INTERNAL alone.

    Only a blank disk ever gets a file system; one that carries the lab's data is used as it is.
    """
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("nfs.server") as step:
        step.changed = stages.run(s, "nfs.server")


@task(klass=Stage, pre=[nfs_server, k8s_join])
def nfs_storage(c: Context) -> None:
    """Make the NFS server the default storage (stage 5)."""
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("nfs.storage") as step:
        step.changed = stages.run(s, "nfs.storage")


@task(klass=Umbrella, pre=[nfs_storage])
def nfs_all(c: Context) -> None:
    """Build the NFS server and all it needs."""
    s = session(c)
    is_there = f"the storage is there; `{s.inv} verify.storage` proves it"
    there = is_there if s.lab.storage else "there is no storage to build"
    s.console.print(f"{s.lab.name}: {there}")


@task(klass=Reader, default=True)
def nfs_status(c: Context) -> None:
    """Show what the NFS server holds."""
    from labkit.nfs import status

    status.show(session(c))


@task(klass=Destroyer)
def nfs_destroy_data(c: Context) -> None:
    """Remove all data that is stored on the NFS server."""
    from labkit.nfs import data

    s = session(c)
    with s.journal.step("nfs.destroy-data") as step:
        step.changed = data.destroy(s, dry=c.config.run.dry)
