"""The cluster's stages that Ansible does on the bootstrap server. No collection: tasks.k8s and tasks.nfs use them."""

from invoke import Context, task

from labkit.line.kinds import Stage
from labkit.session import session
from tasks.bootstrap import os_bootstrap
from tasks.os_ import os_install


@task(klass=Stage, pre=[os_bootstrap])
def k8s_bootstrap(c: Context) -> None:
    """Make the bootstrap server ready to run Ansible (stage 1)."""
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.bootstrap") as step:
        step.changed = stages.run(s, "k8s.bootstrap")


@task(klass=Stage, pre=[os_install, k8s_bootstrap])
def k8s_prepare(c: Context) -> None:
    """Prepare every machine for its part (stage 2).

    Packages, time, firewall; on nodes also kernel, containerd and kubelet. The storage machine gets the common part.
    """
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.prepare") as step:
        step.changed = stages.run(s, "k8s.prepare")


@task(klass=Stage, pre=[k8s_prepare])
def k8s_control_plane(c: Context) -> None:
    """Make the cluster's control plane, once (stage 3).

    A second cluster is never made over the first; `inv k8s.reset` takes the first one away.
    """
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.control-plane") as step:
        step.changed = stages.run(s, "k8s.control-plane")


@task(klass=Stage, pre=[k8s_control_plane])
def k8s_cni(c: Context) -> None:
    """Install the pod network, bound to INTERNAL."""
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.cni") as step:
        step.changed = stages.run(s, "k8s.cni")


@task(klass=Stage, pre=[k8s_cni])
def k8s_join(c: Context) -> None:
    """Join the workers that are not members yet (stage 4)."""
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.join") as step:
        step.changed = stages.run(s, "k8s.join")


@task(klass=Stage, pre=[k8s_join])
def k8s_load_balancer(c: Context) -> None:
    """Give Services of type LoadBalancer addresses on EXTERNAL.

    They are those of external.address_pool, which MetalLB announces on the LAN; without a pool there is nothing to do.
    """
    from labkit.k8s import stages

    s = session(c)
    with s.journal.step("k8s.load-balancer") as step:
        step.changed = stages.run(s, "k8s.load-balancer")
