"""Going back to a checkpoint: the machines as they were, running again, with today's time."""

from __future__ import annotations

from labkit import obstacles, threads
from labkit.description.lab import Machine
from labkit.lab import lifecycle
from labkit.line import consent
from labkit.session import Session

CLOCK_TIMEOUT_S = 60


def restore(session: Session, name: str, *, dry: bool) -> bool:
    """Take the whole lab back to the checkpoint `name`, after consent, and start it; return whether it was done.

    A restored machine wakes with the time of the checkpoint, with which no certificate or token is valid: every
    clock is stepped before the cluster is looked at. What it says of its nodes is from before: every kubelet is waited
    for. Raises RefusedError, with nothing changed, where no key here opens the machines.
    """
    from labkit.hyperv import checkpoints
    from labkit.k8s import heartbeats
    from labkit.machines import wait

    places = checkpoints.find(session, name)
    obstacles.require_key(session)
    if not consent.require(session, checkpoints.describe(places), session.command, dry=dry):
        return False
    checkpoints.restore(session, name, places)
    for machine in session.lab.machines:
        session.machines.forget(machine)
    lifecycle.start(session)
    wait.for_all(session, session.lab.machines, session.lab.timeouts.ssh_s)
    step_clocks(session, session.lab.machines)
    heartbeats.wait_for_all(session, session.lab.timeouts.verify_s)
    return True


def step_clocks(session: Session, machines: tuple[Machine, ...]) -> None:
    """Have chrony set every machine's clock at once instead of slewing it; raises the LabError of one that cannot."""

    def step(machine: Machine) -> None:
        session.machines.to(machine).sudo("chronyc -a makestep", timeout_s=CLOCK_TIMEOUT_S)

    threads.each(step, machines)
