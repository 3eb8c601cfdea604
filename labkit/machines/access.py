"""Whether what lies here opens the bootstrap server: asked before a key is made, and before anything is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.controller import keys
from labkit.errors import RefusedError
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts


def refuse_unopened(session: Session, facts: Facts) -> None:
    """Raise RefusedError where a system is on the bootstrap server's disk, or it runs, and the keys here may not fit.

    Raises what keeps it from being installed too (`bootdisk.holds_system`): no DVD, or another one. `facts` are read
    already; nothing is changed. It is not asked whether it answers.
    """
    from labkit.hyperv import bootdisk

    server, state = session.lab.bootstrap, session.state
    if not bootdisk.holds_system(session, facts):
        return
    vm, disk = facts[server.host].machines.get(server.name), bootdisk.system_disk(session, facts)
    if not state.private_key.exists():
        raise _without_key(session, runs=bool(vm and not vm.is_off))
    if disk and not keys.fits_disk(state, str(server.external.address), disk.id):
        raise RefusedError(
            f"{server.name} on {server.host} has a system on its disk {disk.id}, and the keys here are not known to be"
            " those that open it: no machine could be installed again; nothing was changed",
            f"`inv os.bootstrap` starts it and finds out, then repeat; {ways(session)}",
        )


def ways(session: Session) -> str:
    """What can be done about a bootstrap server that cannot be entered from here."""
    return (
        "if another controller made this lab: `inv lab.export` there, `inv lab.import FILE` here; if it is beyond"
        f" repair or its key is lost: `inv os.reinstall --machine {session.lab.bootstrap.name}`, then repeat"
    )


def bring_back_host_key(session: Session) -> bool:
    """Fetch the bootstrap server's private host key from itself, if it is gone here; return whether that was done.

    Only a server that lets us in can be asked. What does not fit the pinned key is not taken.
    """
    server, state = session.lab.bootstrap, session.state
    pinned = keys.pinned(state).get(str(server.external.address))
    if keys.has_host_key(state) or pinned is None or not state.private_key.exists():
        return False
    if not session.machines.is_up(server):
        return False
    private = session.machines.bootstrap().sudo(f"cat /etc/ssh/{keys.HOST_KEY}", check=False, timeout_s=20).stdout
    return keys.take_host_key(state, private, pinned)


def _without_key(session: Session, *, runs: bool) -> RefusedError:
    server = session.lab.bootstrap
    what = f"{server.name} on {server.host} " + ("runs" if runs else "has a system on its disk")
    never = f"if it was never installed: `inv hyperv.stop --machine {server.name} --cut-power os.bootstrap`; "
    return RefusedError(
        f"{what}, and no key that opens it is on this controller: no machine could be installed again; nothing was"
        " changed",
        (never if runs else "") + ways(session),
    )
