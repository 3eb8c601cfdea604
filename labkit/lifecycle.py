"""The lab as a whole: can it be rebuilt, start and stop it, throw its systems away, remove it.

The bootstrap server's disk and the NFS data disk are never thrown away here.
"""

from __future__ import annotations

from labkit import consent
from labkit.errors import UnreachableError
from labkit.lab import Machine
from labkit.session import Session


def check(session: Session) -> None:
    """Raise what keeps a rebuild from finishing: hosts, space, media, and a bootstrap server that cannot be entered."""
    from labkit.hyperv import check as hosts

    hosts.check(session)
    bootstrap = session.lab.bootstrap
    if session.state.private_key.exists() and _runs(session, bootstrap) and not session.machines.is_up(bootstrap):
        raise UnreachableError(
            f"{bootstrap.name} ({bootstrap.external.address}) runs on {bootstrap.host} and cannot be entered with the"
            " lab's key; without it no machine can be installed",
            "`inv os.bootstrap` waits for it and says what is wrong; nothing was changed",
        )


def _runs(session: Session, machine: Machine) -> bool:
    found = session.hosts.read()[machine.host].machines.get(machine.name)
    return found is not None and found.state == "Running"


def discard(session: Session, *, dry: bool) -> None:
    """Power the nodes off and give each a blank system disk, after consent to exactly those disks.

    The bootstrap server and every data disk stay. With `dry` the list is shown and nothing else happens.
    """
    from labkit.hyperv import discard as disks

    resets = disks.find(session, [machine.name for machine in session.lab.installed_by_network])
    if consent.require(session, disks.describe(resets), session.command, dry=dry):
        with session.journal.step("lab.discard") as step:
            step.changed = True
            disks.reset(session, resets)
            _forget(session, session.lab.installed_by_network)


def destroy(session: Session, *, dry: bool) -> None:
    """Remove every virtual machine of the lab and its system disk, after consent to exactly those.

    The NFS data disk stays on its host. With `dry` the list is shown and nothing else happens.
    """
    from labkit.hyperv import destroy as removal

    removals = removal.find(session, None)
    if consent.require(session, removal.describe(removals), session.command, dry=dry):
        with session.journal.step("lab.destroy") as step:
            step.changed = True
            removal.remove(session, removals)
            _forget(session, session.lab.machines)


def start(session: Session) -> list[str]:
    """Power on what is off, the bootstrap server first, since the others get their addresses from it; return names."""
    from labkit.hyperv import power

    others = [machine.name for machine in session.lab.installed_by_network]
    return [*power.start(session, [session.lab.bootstrap.name]), *power.start(session, others)]


def stop(session: Session) -> list[str]:
    """Shut the machines down, those that use others first: workers, control plane, storage, bootstrap; return names."""
    from labkit.hyperv import power

    lab = session.lab
    storage = [lab.storage] if lab.storage else []
    groups: list[list[Machine]] = [list(lab.workers), [lab.control_plane], storage, [lab.bootstrap]]
    stopped: list[str] = []
    for group in groups:
        names = [machine.name for machine in group if machine.name not in stopped]
        stopped += power.stop(session, names)
        _forget(session, group)
    return stopped


def _forget(session: Session, machines: list[Machine] | tuple[Machine, ...]) -> None:
    for machine in machines:
        session.machines.forget(machine)
