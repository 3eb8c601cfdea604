"""Recording on both sides that a machine is installed: its disk, and the SSH host key that it told."""

from __future__ import annotations

import re
import shlex

from labkit import keys
from labkit.errors import LabError
from labkit.machines.survey import Place, Survey
from labkit.pxe import server
from labkit.session import Session

_HOST_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}(?= |$)")


def installed(session: Session, place: Place, host_key: str) -> None:
    """Pin the machine's host key here and on the bootstrap server, note its disk there, disarm it.

    Here first: a run that is killed between the two finds the machine still armed, and its event in the log.
    Raises LabError when what the machine told is no host key.
    """
    key = _HOST_KEY.match(host_key)
    if not key:
        raise LabError(
            f"{place.name} told a host key that is none: {host_key[:60]!r}",
            f"run `inv os.reinstall --machine {place.name}`",
        )
    address = str(place.machine.mgmt.address)
    keys.pin(session.state, address, key[0])
    server.run(session.machines.bootstrap(), shlex.join(["pxe-installed.sh", place.name, place.disk, address, key[0]]))
    session.machines.forget(place.machine)


def share_host_keys(session: Session, found: Survey) -> None:
    """Take over the host keys that the bootstrap server knows: another controller may have installed meanwhile."""
    for place in found.places:
        address = str(place.machine.mgmt.address)
        if place.name in found.records.installed and address in found.records.host_keys:
            keys.pin(session.state, address, found.records.host_keys[address])


def adopt(session: Session, found: Survey) -> list[str]:
    """Record machines that a new bootstrap server knows nothing of, and that answer with the key pinned here.

    They are installed: their disks are left alone. Returns their names.
    """
    pins = keys.pinned(session.state)
    adopted = []
    for place in found.fresh:
        address = str(place.machine.mgmt.address)
        unknown = place.name not in found.records.installed and place.name not in found.records.armed
        if unknown and place.runs and address in pins and session.machines.is_up(place.machine):
            installed(session, place, pins[address])
            adopted.append(place.name)
    return adopted
