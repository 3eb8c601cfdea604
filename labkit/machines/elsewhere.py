"""Whether the bootstrap server lives at another address than is described: the lab moved to another room, or is to.

Its address on EXTERNAL is the one way into the lab, and nothing but its installation writes it. Told by what is pinned
here: the id of its disk stands beside the address at which the system on that very disk was entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.controller import keys
from labkit.errors import RefusedError
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts

KNOCK_S = 3.0


def refuse(session: Session, facts: Facts) -> None:
    """Raise RefusedError where the system on its disk was entered at another address, and none greets at this one.

    One that greets was given the new address by hand, as docs/changes.md tells: it is asked for its key as ever.
    """
    from labkit.hyperv import bootdisk

    server, disk = session.lab.bootstrap, bootdisk.system_disk(session, facts)
    address, known = str(server.external.address), keys.pinned_disks(session.state)
    if disk is None or known.get(address) == disk.id:
        return
    before = [other for other, one in known.items() if one == disk.id]
    if before and not session.machines.listens(KNOCK_S):
        raise RefusedError(
            f"{server.name} was entered at {', '.join(before)}, {session.lab.source.name} says {address}, where nothing"
            " answers: its system has the address that it was installed with; nothing was changed",
            (
                f"`inv os.reinstall --machine {server.name}`, then `inv lab.rebuild`, makes all machines anew at their"
                " new addresses",
                f"to keep the cluster: docs/changes.md; or write in {session.lab.source.name} what {server.name} has",
                f"if it was given the new address already: `inv hyperv.start --machine {server.name}`, and repeat in a"
                " minute",
            ),
        )
