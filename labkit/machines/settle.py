"""Recording on both sides that a machine is installed: its disk, and the SSH host key that it told.

What counts is the machine's own answer: one that lets us in with the key that is pinned here is installed and healthy.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from labkit.controller import keys
from labkit.errors import LabError
from labkit.machines import wait
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
    keys.pin(session.state, place.address, key[0], place.disk)
    words = ["pxe-installed.sh", place.name, place.disk, place.address, key[0]]
    server.run(session.machines.bootstrap(), shlex.join(words))
    session.machines.forget(place.machine)


def share_host_keys(session: Session, found: Survey) -> None:
    """Take over the host keys that the bootstrap server knows: another controller may have installed meanwhile.

    Only those of the disks that the machines have: the key of an earlier disk's system is no news.
    """
    for place in found.places:
        host_key = found.records.host_keys.get(place.address)
        if host_key and found.is_installed(place):
            keys.pin(session.state, place.address, host_key, place.disk)


def adopt(session: Session, places: Iterable[Place]) -> list[str]:
    """Record those machines that run and answer by SSH with the key pinned here; return their names.

    They are installed, whatever the records say: a new bootstrap server knows nothing of them, or an earlier run armed
    them. Their disks are left alone, and who was armed is so no more.
    """
    pins = keys.pinned(session.state)
    asked = [place for place in places if place.runs and place.address in pins]
    answers = wait.answering(session, [place.machine for place in asked])
    healthy = [place for place in asked if answers[place.name]]
    for place in healthy:
        installed(session, place, pins[place.address])
    return [place.name for place in healthy]


def wake(session: Session, found: Survey, places: Iterable[Place]) -> tuple[list[str], dict[str, str]]:
    """Start, without arming them, those machines that a finished system may lie on; record those that answer by SSH.

    Returns their names, and of each that stays silent though its disk is known to be finished, what to do about it:
    an installation would destroy that system. Who stays silent and is not known that well is in neither.
    """
    from labkit.hyperv import power

    hopeful = [place for place in places if _may_be_finished(session, found, place)]
    if not hopeful:
        return [], {}
    timeout_s, names = session.lab.timeouts.ssh_s, [place.name for place in hopeful]
    session.console.print(
        f"    {', '.join(names)}: not recorded as installed, and known here: waiting for SSH, up to {timeout_s} s"
    )
    power.start(session, names)
    seconds, silent = wait.for_each(session, [place.machine for place in hopeful], timeout_s)
    pins = keys.pinned(session.state)
    for place in hopeful:
        if place.name in seconds:
            installed(session, place, pins[place.address])
    return list(seconds), {
        place.name: f"{silent[place.name].problem}; its disk {place.disk} was installed, so it is not installed again:"
        f" `inv hyperv.screenshot --machine {place.name}` shows its console, and if it is beyond repair,"
        f" `inv os.reinstall --machine {place.name}` installs it anew"
        for place in hopeful
        if place.name in silent and _is_finished(session, place)
    }


def listening(session: Session, found: Survey, places: Iterable[Place]) -> set[str]:
    """Names of those machines that run and take SSH connections: a system is on their disks, as no installer takes any.

    Asked before `adopt`, so that whoever listens and does not let us in then is no machine that was just booting.
    """
    asked = [place.machine for place in places if place.runs and not _installs(found, place)]
    return wait.listening(session, asked)


def unknown(places: Iterable[Place]) -> dict[str, str]:
    """Of machines that listen though no key here opens them, what to do: an installation would destroy a system."""
    return {
        place.name: f"{place.name} runs and takes SSH connections at {place.address}, and no key here opens it: a"
        " system is on its disk, so it is neither installed nor turned off; `inv lab.import FILE` brings the keys of"
        f" the controller that installed it, `inv os.reinstall --machine {place.name}` installs it anew"
        for place in places
    }


def _installs(found: Survey, place: Place) -> bool:
    """Whether its installation is under way, which has taken whatever was on the disk."""
    timeline = found.timelines.get(place.name)
    return timeline is not None and bool({"kickstart", "installing"} & set(timeline.events))


def _is_finished(session: Session, place: Place) -> bool:
    """Whether the key pinned here was told by the system on the very disk that the machine has."""
    return keys.pinned_disks(session.state).get(place.address) == place.disk


def _may_be_finished(session: Session, found: Survey, place: Place) -> bool:
    """As `_is_finished`; and where only a key is known, as long as no record speaks of another disk or a fresh one."""
    if _installs(found, place):
        return False
    if place.address in keys.pinned_disks(session.state):
        return _is_finished(session, place)
    is_recorded = place.name in found.records.installed or place.name in found.records.armed
    return place.address in keys.pinned(session.state) and not is_recorded
