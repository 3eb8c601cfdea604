"""Proof that the lab works: each row was seen, from outside where that is what counts."""

from invoke import Context, task

from labkit.line.kinds import Reader, Verification
from labkit.session import session


@task(klass=Verification)
def verify_nodes(c: Context) -> None:
    """Prove that every machine is a Ready node, and no other."""
    from labkit.verify import nodes, run

    run.verify(session(c), "verify.nodes", nodes.check, makes_things=False)


@task(klass=Verification)
def verify_nginx(c: Context) -> None:
    """Prove that nginx on three nodes answers from outside."""
    from labkit.verify import nginx, run

    run.verify(session(c), "verify.nginx", nginx.check)


@task(klass=Verification)
def verify_storage(c: Context) -> None:
    """Prove that what one node writes, another node reads."""
    from labkit.verify import run, storage

    run.verify(session(c), "verify.storage", storage.check)


@task(klass=Verification)
def verify_system(c: Context) -> None:
    """Prove the cluster's own pods, its certificates and clocks."""
    from labkit.verify import machines, run, system

    run.verify(session(c), "verify.system", system.check, machines.check, makes_things=False)


@task(klass=Verification)
def verify_network(c: Context) -> None:
    """Prove names, pods, packets, Services and NetworkPolicy."""
    from labkit.verify import network, policy, run

    run.verify(session(c), "verify.network", network.check, policy.check)


@task(klass=Verification)
def verify_all(c: Context) -> None:
    """Prove all of it: nodes, system, network, nginx, storage."""
    from labkit.verify import machines, network, nginx, nodes, policy, run, storage, system

    every = (nodes.check, system.check, machines.check, network.check, policy.check, nginx.check, storage.check)
    run.verify(session(c), "verify.all", *every)


@task(klass=Reader, default=True)
def verify_status(c: Context) -> None:
    """Show the last verification's rows."""
    from labkit.verify import run

    run.show_last(session(c))
