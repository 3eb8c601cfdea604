"""The lab as a whole: can it be rebuilt, start and stop it, throw its systems away, remove it.

The bootstrap server's disk and the NFS data disk are never thrown away here.
"""

from __future__ import annotations

from labkit import consent
from labkit.errors import UnreachableError
from labkit.lab import Machine
from labkit.session import Session

STOP_ORDER = ("worker", "control_plane", "storage", "bootstrap")


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
    """Shut the machines down, those that use others first: workers, control plane, storage, bootstrap; return names.

    A machine with several roles waits for its last turn: a worker that stores outlives the nodes that mount from it.
    """
    from labkit.hyperv import power

    lab = session.lab
    turns = {machine.name: max(STOP_ORDER.index(role) for role in machine.roles) for machine in lab.machines}
    stopped: list[str] = []
    for turn in sorted(set(turns.values())):
        group = [machine for machine in lab.machines if turns[machine.name] == turn]
        stopped += power.stop(session, [machine.name for machine in group])
        _forget(session, group)
    return stopped


def _forget(session: Session, machines: list[Machine] | tuple[Machine, ...]) -> None:
    for machine in machines:
        session.machines.forget(machine)
