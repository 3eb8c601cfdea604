"""os.reinstall: throw one machine's system away and install it anew; its data disk stays."""

from __future__ import annotations

from labkit import consent
from labkit.errors import MissingError, RefusedError
from labkit.machines.choice import chosen
from labkit.machines.install import install
from labkit.session import Session


def reinstall(session: Session, name: str, *, dry: bool) -> bool:
    """Give machine `name` a blank system disk, after consent, and install it; return whether anything was done.

    Raises MissingError for a name that is none, RefusedError for the bootstrap server, which nobody could install.
    """
    from labkit.hyperv import discard

    if not name:
        raise MissingError("which machine? None was named", "give --machine, such as `inv os.reinstall --machine w2`")
    (machine,) = chosen(session.lab, name)
    if machine == session.lab.bootstrap:
        raise RefusedError(
            f"{name} is the bootstrap server: it serves the installation of all others and cannot install itself",
            "`inv os.bootstrap` says how it is installed",
        )
    resets = discard.find(session, [name])
    if not consent.require(session, discard.describe(resets), session.command, dry=dry):
        return False
    discard.reset(session, resets)
    session.machines.forget(machine)
    install(session)
    return True
