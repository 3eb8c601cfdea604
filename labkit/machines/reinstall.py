"""os.reinstall: throw one machine's system away and install it anew; its data disk stays."""

from __future__ import annotations

from labkit import consent
from labkit.errors import MissingError
from labkit.machines.bootstrap import bootstrap
from labkit.machines.choice import chosen
from labkit.machines.install import install
from labkit.session import Session


def reinstall(session: Session, name: str, *, dry: bool) -> bool:
    """Give machine `name` a blank system disk, after consent, and install it; return whether anything was done.

    The bootstrap server is installed from the DVD, all others over the network. Raises MissingError for a name that is
    none.
    """
    from labkit.hyperv import discard

    if not name:
        raise MissingError("which machine? None was named", "give --machine, such as `inv os.reinstall --machine w2`")
    (machine,) = chosen(session.lab, name)
    serves = machine == session.lab.bootstrap
    resets = discard.find(session, [name])
    what = discard.describe(resets)
    if what and serves:
        what.append(f"with it what {name} fetched and logged; it keeps its keys, and no other machine is touched")
    if not consent.require(session, what, session.command, dry=dry):
        return False
    discard.reset(session, resets)
    session.machines.forget(machine)
    if serves:
        bootstrap(session)
        session.console.print("`inv lab.up` sets its services up again")
    else:
        install(session)
    return True
