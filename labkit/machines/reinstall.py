"""os.reinstall: throw one machine's system away and install it anew; its data disk stays."""

from __future__ import annotations

from labkit.controller import keys
from labkit.description import choice
from labkit.errors import MissingError
from labkit.line import consent
from labkit.machines.bootstrap import bootstrap
from labkit.machines.install import install
from labkit.machines.survey import survey
from labkit.pxe import publish
from labkit.session import Session


def reinstall(session: Session, name: str, *, dry: bool) -> bool:
    """Give machine `name` a blank system disk, after consent, and install it; return whether anything was done.

    The bootstrap server is installed from the DVD, all others over the network. Raises MissingError for a name that is
    none, and what would keep the machine from being installed again; nothing was changed then.
    """
    from labkit.hyperv import check, discard

    if not name:
        raise MissingError("which machine? None was named", "give --machine, such as `inv os.reinstall --machine w2`")
    (machine,) = choice.machines(session.lab, name)
    serves = machine == session.lab.bootstrap
    resets = discard.find(session, [name])
    what = discard.describe(resets)
    if what and serves:
        what.append(_with_it(session, name))
    check.check(session, only=[machine.host])
    (_refuse_bootstrap if serves else _refuse)(session)
    if not consent.require(session, what, session.command, dry=dry):
        return False
    discard.reset(session, resets)
    session.machines.forget(machine)
    if serves:
        bootstrap(session)
        session.console.print(f"`{session.inv} lab.up` sets its services up again")
    else:
        install(session)
    return True


def _with_it(session: Session, name: str) -> str:
    if session.state.private_key.exists():
        return f"with it what {name} fetched and logged; it keeps its keys, and no other machine is touched"
    return (
        f"with it what {name} fetched and logged; no key of this lab is here, so it gets a new key, which opens no"
        " machine that was installed before: `inv lab.rebuild` makes those anew"
    )


def _refuse_bootstrap(session: Session) -> None:
    """Raise what would keep the bootstrap server from being installed: a key that was lost, no DVD or another one."""
    from labkit.hyperv import bootdisk

    keys.refuse_lost(session.state, session.lab.bootstrap)
    bootdisk.require_dvd(session)


def _refuse(session: Session) -> None:
    """Raise what would keep a machine from being installed over the network: the bootstrap server, what it serves."""
    survey(session, look_again=False)
    lacking = publish.missing(session)
    if lacking:
        raise MissingError(f"{lacking}; nothing was changed", "run `inv pxe.publish`, then repeat")
