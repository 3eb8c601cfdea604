"""The lab as a whole: start and stop it, throw its systems away, remove it. `obstacles` says whether it can be rebuilt.

The bootstrap server's disk and the NFS data disk are never thrown away here.
"""

from __future__ import annotations

from labkit import obstacles
from labkit.description.lab import Machine
from labkit.line import consent
from labkit.session import Session

STOP_ORDER = ("worker", "control_plane", "storage", "bootstrap")


def _nodes(session: Session) -> list[str]:
    return [machine.name for machine in session.lab.installed_by_network]


def discard(session: Session, *, dry: bool) -> None:
    """Power the nodes off and give each a blank system disk, after consent to exactly those disks.

    The bootstrap server and every data disk stay. With `dry` the list is shown and nothing else happens. Raises what
    would keep the nodes from being built again (`obstacles`), before anybody is asked.
    """
    from labkit.hyperv import discard as disks

    resets = disks.find(session, _nodes(session))
    obstacles.refuse(session, _nodes(session))
    if consent.require(session, disks.describe(resets), session.command, dry=dry):
        with session.journal.step("lab.discard") as step:
            step.changed = True
            disks.reset(session, resets)
            _forget(session, session.lab.installed_by_network)


def destroy(session: Session, *, dry: bool) -> None:
    """Remove every virtual machine of the lab and its system disk, after consent to exactly those.

    The NFS data disk stays on its host; that and what else stays is shown at the end with the command that removes it.
    With `dry` the lists are shown and nothing else happens.
    """
    from labkit.hyperv import destroy as removal
    from labkit.hyperv import remains

    removals = removal.find(session, None)
    facts = session.hosts.read()
    if consent.require(session, removal.describe(removals), session.command, dry=dry):
        with session.journal.step("lab.destroy") as step:
            step.changed = True
            removal.remove(session, removals)
            _forget(session, session.lab.machines)
    session.output.print(remains.HEADING)
    for one in remains.remains(session.lab, facts):
        session.output.print(f"  - {one}", markup=False, soft_wrap=True)


def start(session: Session) -> list[str]:
    """Power on what is off, the bootstrap server first, since the others get their addresses from it; return names."""
    from labkit.hyperv import power

    return [*power.start(session, [session.lab.bootstrap.name]), *power.start(session, _nodes(session))]


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
