"""A machine that stands still in its own installation: what is known of it, and one power cycle.

This is the one place where a stage turns a machine off (docs/decisions says why it may): a machine that this run
installs, armed for the disk that it has, with nothing on that disk that was ever finished, and silent by SSH too: its
port takes no connection, whoever holds the key.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from labkit.errors import LabError, RefusedError
from labkit.machines import diagnosis, wait
from labkit.machines.survey import Place, survey
from labkit.session import Session


class AnswersError(RefusedError):
    """A machine of which no log said anything is healthy: SSH opens it with the key that is pinned here."""


@dataclass(frozen=True)
class Standstill:
    """A machine's stage, since when nothing was seen of it (seconds), and the last that was."""

    place: Place
    stage: str
    seconds: float
    last: str


class Rescue(threading.Thread):
    """Diagnoses and, with `cycle`, power-cycles, in a thread of its own: hosts take seconds, and the others go on.

    Afterwards `answers` says that SSH opened the machine with its pinned key: it is healthy, and was left alone. Else
    `diagnosis` is told, and either `since` is the server's time from which the machine's events are those of the new
    try, or `refusal` says why it was left alone. Whoever follows raises `crash`, if there is one, and sets `told`.
    """

    def __init__(self, session: Session, still: Standstill, *, cycle: bool) -> None:
        super().__init__(daemon=True)  # left behind by Ctrl-C, as every call to a host is
        self.still, self.cycle = still, cycle
        self.answers = False
        self.diagnosis, self.since, self.refusal = "", 0.0, ""
        self.crash: Exception | None = None
        self.told = False
        self._session = session

    def run(self) -> None:
        still = self.still
        try:
            _refuse_answering(self._session, still.place)
            picture = _picture(self._session, still.place.name)
            self.diagnosis = diagnosis.text(still.place.name, still.stage, still.seconds, still.last, picture)
            if self.cycle:
                self.since = power_cycle(self._session, still)
        except AnswersError:
            self.answers = True
        except LabError as error:
            self.refusal = error.problem
        except Exception as error:  # noqa: BLE001 - carried to the thread that waits
            self.crash = error


def power_cycle(session: Session, still: Standstill) -> float:
    """Cut the power of a machine that stands in its unfinished installation, switch it on; return the server's time.

    Raises RefusedError unless hosts and bootstrap server, asked anew, both say that it is that machine, AnswersError
    when SSH opens it after all.
    """
    from labkit.hyperv import power

    name, disk = still.place.name, still.place.disk
    found = survey(session)
    here = next(place for place in found.places if place.name == name)
    if here.disk != disk or not found.is_armed(here) or found.is_installed(here):
        raise RefusedError(f"{name} is not armed for its disk {here.disk} any more, so its power is not cut")
    _refuse_answering(session, here)
    session.journal.write("cycle", machine=name, stage=still.stage, seconds=round(still.seconds), last=still.last)
    power.stop(session, [name], cut_power=True)
    power.start(session, [name])
    return found.records.clock()


def _refuse_answering(session: Session, place: Place) -> None:
    listens = wait.listening(session, [place.machine])  # first: it may be booting
    if session.machines.is_up(place.machine):
        raise AnswersError(f"{place.name} answers by SSH with its pinned key, so its power is not cut")
    if listens:
        raise RefusedError(
            f"{place.name} takes SSH connections, and no key here opens it: a system is on its disk, so its power is"
            " not cut"
        )


def _picture(session: Session, name: str) -> str:
    """Where a picture of the machine's console lies now; in words why there is none."""
    from labkit.hyperv import screen

    try:
        (file,) = screen.shoot(session, [name])
    except LabError as error:
        return f"no picture of its console ({error.problem})"
    return str(file)
