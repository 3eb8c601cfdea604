"""The NFS server and the cluster's use of it."""

from invoke import Collection, Context, task

from labkit.session import session
from tasks.k8s_stages import k8s_join, k8s_prepare


@task(pre=[k8s_prepare])
def nfs_server(c: Context) -> None:
    """Serve the data disk over NFS, to INTERNAL alone.

    Only a blank disk ever gets a file system; one that carries the lab's data is used as it is.
    """
    from labkit.cluster import stages

    s = session(c)
    with s.journal.step("nfs.server") as step:
        step.changed = stages.run(s, "nfs.server")


@task(pre=[nfs_server, k8s_join])
def nfs_storage(c: Context) -> None:
    """Make the NFS server the default storage (stage 5)."""
    from labkit.cluster import stages

    s = session(c)
    with s.journal.step("nfs.storage") as step:
        step.changed = stages.run(s, "nfs.storage")


@task(pre=[nfs_storage])
def nfs_all(c: Context) -> None:
    """Build the NFS server and all it needs."""
    s = session(c)
    there = "the storage is there; `inv verify.storage` proves it" if s.lab.storage else "there is no storage to build"
    s.console.print(f"{s.lab.name}: {there}")


@task(default=True)
def nfs_status(c: Context) -> None:
    """Show what the NFS server holds."""
    from labkit.cluster import status

    status.show_storage(session(c))


@task
def nfs_destroy_data(c: Context) -> None:
    """Remove all data that is stored on the NFS server."""
    from labkit.cluster import data

    s = session(c)
    with s.journal.step("nfs.destroy-data") as step:
        step.changed = data.destroy(s, dry=c.config.run.dry)


ns = Collection("nfs")
ns.add_task(nfs_server, name="server")
ns.add_task(nfs_storage, name="storage")
ns.add_task(nfs_all, name="all")
ns.add_task(nfs_status, name="status")
ns.add_task(nfs_destroy_data, name="destroy-data")
