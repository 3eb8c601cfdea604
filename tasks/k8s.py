"""The Kubernetes cluster."""

from invoke import Context, task

from labkit.line.kinds import ClusterChange, Controller, Destroyer, Reader, Umbrella
from labkit.session import session
from tasks.k8s_stages import k8s_join, k8s_load_balancer
from tasks.nfs import nfs_storage
from tasks.verify import verify_nodes


@task(klass=Umbrella, pre=[k8s_join, k8s_load_balancer, nfs_storage])
def k8s_all(c: Context) -> None:
    """Build the cluster with its storage, all stages."""
    s = session(c)
    s.console.print(f"{s.lab.name}: the cluster is there; `{s.inv} verify.all` proves it")


@task(
    klass=Controller,
    help={"merge": "put it into your own kubeconfig, too, under the lab's name"},
    auto_shortflags=False,
)
def k8s_kubeconfig(c: Context, merge: bool = False) -> None:
    """Fetch the administrator's kubeconfig and say where it is."""
    from labkit.k8s import kubeconfig, merging

    s = session(c)
    changed = kubeconfig.fetch(s)
    s.output.print(f"{s.state.kubeconfig} ({'fetched' if changed else 'unchanged'})", soft_wrap=True)
    if merge:
        file = merging.user_file()
        changed = merging.merge(s, file)
        s.output.print(f"{file} ({'changed' if changed else 'unchanged'}): kubectl --context {s.lab.name} get nodes")


@task(klass=Reader, default=True)
def k8s_status(c: Context) -> None:
    """Show nodes and stages."""
    from labkit.k8s import status

    status.show_cluster(session(c))


@task(klass=Destroyer)
def k8s_reset(c: Context) -> None:
    """Take the cluster off its nodes; they stay prepared."""
    from labkit.k8s import reset

    s = session(c)
    with s.journal.step("k8s.reset") as step:
        step.changed = reset.reset(s, dry=c.config.run.dry)


@task(klass=Destroyer, help={"machine": "the worker to replace"}, auto_shortflags=False, post=[k8s_join, verify_nodes])
def k8s_replace(c: Context, machine: str = "") -> None:
    """Drain one worker, install it anew, and join it again.

    Its system disk is thrown away, and so are pods that nothing makes anew. No other machine is touched.
    """
    from labkit.k8s import replacement

    s = session(c)
    with s.journal.step("k8s.replace") as step:
        step.changed = replacement.replace(s, machine, dry=c.config.run.dry)


@task(
    klass=ClusterChange,
    help={"machine": "the worker to add"},
    auto_shortflags=False,
    post=[k8s_join, k8s_load_balancer, nfs_storage, verify_nodes],
)
def k8s_add(c: Context, machine: str = "") -> None:
    """Add a worker that the description names to the cluster.

    The stages that miss it make its VM, install and join it; the other machines learn its name and stay as they are.
    """
    from labkit.k8s import addition

    s = session(c)
    added = addition.check(s, machine)
    s.console.print(f"{added.name} on {added.host} is to be a node of {s.lab.name}; the stages that miss it follow")
