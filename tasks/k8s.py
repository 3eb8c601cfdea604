"""The Kubernetes cluster."""

from invoke import Collection, Context, task

from labkit.session import session
from tasks.k8s_stages import k8s_bootstrap, k8s_cni, k8s_control_plane, k8s_join, k8s_prepare
from tasks.nfs import nfs_storage
from tasks.verify import verify_nodes

WHICH = {"machine": "the worker's name"}


@task(pre=[k8s_join, nfs_storage])
def k8s_all(c: Context) -> None:
    """Build the cluster with its storage, all stages."""
    s = session(c)
    s.console.print(f"{s.lab.name}: the cluster is there; `inv verify.all` proves it")


@task(help={"merge": "put it into your own kubeconfig, too, under the lab's name"}, auto_shortflags=False)
def k8s_kubeconfig(c: Context, merge: bool = False) -> None:
    """Fetch the administrator's kubeconfig and say where it is."""
    from labkit.cluster import kubeconfig, merging

    s = session(c)
    changed = kubeconfig.fetch(s)
    s.output.print(f"{s.state.kubeconfig} ({'fetched' if changed else 'unchanged'})", soft_wrap=True)
    if merge:
        file = merging.user_file()
        changed = merging.merge(s, file)
        s.output.print(f"{file} ({'changed' if changed else 'unchanged'}): kubectl --context {s.lab.name} get nodes")


@task(default=True)
def k8s_status(c: Context) -> None:
    """Show nodes and stages."""
    from labkit.cluster import status

    status.show_cluster(session(c))


@task
def k8s_reset(c: Context) -> None:
    """Take the cluster off its nodes; they stay prepared."""
    from labkit.cluster import reset

    s = session(c)
    with s.journal.step("k8s.reset") as step:
        step.changed = reset.reset(s, dry=c.config.run.dry)


@task(help=WHICH, auto_shortflags=False, post=[k8s_join, verify_nodes])
def k8s_replace(c: Context, machine: str = "") -> None:
    """Drain a worker, make it anew, let it join again.

    Interrupted behind its consent, `inv k8s.join` goes on.
    """
    from labkit.cluster import members

    s = session(c)
    with s.journal.step("k8s.replace") as step:
        step.changed = members.replace(s, machine, dry=c.config.run.dry)


@task(help=WHICH, auto_shortflags=False, post=[k8s_join, verify_nodes])
def k8s_add(c: Context, machine: str = "") -> None:
    """Let a worker join that was described since."""
    from labkit.cluster import members

    s = session(c)
    with s.journal.step("k8s.add") as step:
        step.changed = False
        members.add(s, machine)


ns = Collection("k8s")
ns.add_task(k8s_bootstrap, name="bootstrap")
ns.add_task(k8s_prepare, name="prepare")
ns.add_task(k8s_control_plane, name="control-plane")
ns.add_task(k8s_cni, name="cni")
ns.add_task(k8s_join, name="join")
ns.add_task(k8s_all, name="all")
ns.add_task(k8s_kubeconfig, name="kubeconfig")
ns.add_task(k8s_status, name="status")
ns.add_task(k8s_reset, name="reset")
ns.add_task(k8s_replace, name="replace")
ns.add_task(k8s_add, name="add")
