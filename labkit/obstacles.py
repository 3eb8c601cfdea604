"""What any later stage would refuse for, looked for before the first thing is destroyed: all of it is gathered here.

`os.reinstall` of one machine stands below and asks less, since no other machine's obstacle may keep it from being made
anew: the rules for its host (`hyperv.check`), its checkpoints, and what installs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from labkit.controller import keys
from labkit.errors import LabError, RefusedError, UnreachableError, together
from labkit.machines import access, elsewhere
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts

Source = Callable[[Session, "Facts", Collection[str]], None]


def check(session: Session, machines: Collection[str] | None = None) -> None:
    """Raise what keeps a rebuild from finishing: hosts, space, media, and whatever a later stage would refuse.

    `machines` are those that are going to lose their systems; without them all nodes, as `lab.rebuild` does it.
    """
    from labkit.hyperv import check as hosts

    hosts.check(session)
    nodes = [machine.name for machine in session.lab.installed_by_network]
    refuse(session, nodes if machines is None else machines)


def refuse(session: Session, machines: Collection[str]) -> None:
    """Raise, all together, what would keep the lab from being built again once `machines` have lost their systems.

    What a blank system disk puts right is no obstacle of theirs. The facts are those read last; nothing is changed.
    """
    from labkit.hyperv.findings import answering

    facts = answering(session.hosts.read())
    errors: list[LabError] = []
    for source in SOURCES:
        try:
            source(session, facts, machines)
        except LabError as error:
            errors.append(error)
    if errors:
        raise together(errors)


def require_key(session: Session) -> None:
    """Raise RefusedError unless the key that opens the lab's machines is here, for what enters those that are there."""
    if not session.state.private_key.exists():
        raise RefusedError(
            f"no key that opens the machines of {session.lab.name} is on this controller; nothing was changed",
            "`inv lab.export` on the controller that made it, `inv lab.import FILE` here",
        )


def discarding(session: Session, facts: Facts, machines: Collection[str]) -> None:
    """Disks of which checkpoints are kept are not thrown away."""
    from labkit.hyperv import discard

    discard.refuse_checkpoints([reset.vm for reset in discard.resets(session.lab, facts, machines) if reset.vm])


def creating(session: Session, facts: Facts, machines: Collection[str]) -> None:
    """What `hyperv.create` refuses, unless the reset of exactly that machine ends it."""
    from labkit.hyperv import create, discard, drift

    going = {reset.machine for reset in discard.resets(session.lab, facts, machines)}
    plan = drift.plan(session.lab, facts)
    create.refuse_installed(session, plan, going)
    create.refuse(plan.after_reset(going))


def entering(session: Session, facts: Facts, machines: Collection[str]) -> None:
    """The bootstrap server lets us in, or can be made to: without it no machine is installed.

    One that is off is started, one whose disk is blank is installed with the key that lies here, or is made then.
    Of one that lets us in no more is asked: its host key, were it gone here, is fetched from itself.
    """
    elsewhere.refuse(session, facts)
    server, has_key = session.lab.bootstrap, session.state.private_key.exists()
    vm = facts[server.host].machines.get(server.name)
    runs = vm is not None and vm.state == "Running"
    if runs and has_key and session.machines.is_up(server):
        return
    keys.refuse_lost(session.state, server)
    if runs and has_key:
        raise UnreachableError(
            f"{server.name} ({server.external.address}) runs on {server.host} and cannot be entered with the lab's"
            " key; without it no machine can be installed; nothing was changed",
            f"`inv os.bootstrap` waits for it and says what is wrong; {access.ways(session)}",
        )
    access.refuse_unopened(session, facts)


SOURCES: tuple[Source, ...] = (discarding, creating, entering)
"""A stage that refuses for something adds a function here, which raises the same before anything is destroyed."""
