"""os.install: every machine whose system disk was not installed yet is installed over the network."""

from __future__ import annotations

from collections.abc import Collection

from labkit.controller import keys
from labkit.errors import LabError
from labkit.machines import diagnosis, settle, wait
from labkit.machines.follow import Watch
from labkit.machines.survey import Place, Survey, read_history, survey
from labkit.pxe import prefetch, server
from labkit.pxe.events import Timeline
from labkit.session import Session


def install(session: Session) -> bool:
    """Install what has a fresh disk, start what is off, wait until all answer by SSH; return whether anything changed.

    Who answers by SSH with its pinned key is installed, whatever the records say: it is recorded, never armed nor cut.
    Who runs a system that no key here opens is told as a failure, and left alone as well.
    Machines go on independently of each other. One that stands still in its installation is diagnosed and power-cycled
    once (`rescue`). What they will ask for next is fetched meanwhile (`prefetch`). Raises LabError at the end: each
    machine that failed or stood still, by name, with its last stage and what that means.
    """
    from labkit.hyperv import power

    found = survey(session)
    settle.share_host_keys(session, found)
    settled, failures = _settle_finished(session, found)
    listening = settle.listening(session, found, _left(found, settled, failures))
    settled += settle.adopt(session, _left(found, settled, failures))
    failures |= _failed_before(_left(found, settled, failures), found)
    woken, silent = settle.wake(session, found, _left(found, settled, failures))
    failures |= silent
    left = _left(found, [*settled, *woken], failures)
    failures |= settle.unknown(place for place in left if place.name in listening)
    waiting = _left(found, [*settled, *woken], failures)
    _arm(session, waiting, found)
    started = power.start(session, [place.name for place in found.places if not place.runs])
    others = [place.machine for place in found.places if place not in waiting and place.name not in failures]
    if waiting:
        prefetch.begin(session)
        watch = Watch(session, found, waiting)
        watch.run(others)
        session.journal.write("times", step="os.install", times=watch.seconds, stages=_stages(found), left=watch.left)
        failures |= watch.failures
        prefetch.tell(session)
    else:
        wait.for_all(session, others, session.lab.timeouts.ssh_s)
    if failures:
        raise _error(failures)
    return bool(found.fresh or started)


def missing(session: Session) -> str | None:
    """The first machine that is not installed, is off or does not answer, or None."""
    found = survey(session, look_again=False)
    for place in found.places:
        if not found.is_installed(place):
            return f"{place.name} is not installed on its disk {place.disk}"
        if not place.runs:
            return f"{place.name} is off"
        if place.address not in keys.pinned(session.state):
            return f"{place.name}'s SSH host key is not known here"
    answers = wait.answering(session, [place.machine for place in found.places])
    silent = [name for name, up in answers.items() if not up]
    return f"no answer by SSH: {', '.join(silent)}" if silent else None


def _left(found: Survey, settled: Collection[str], failures: Collection[str]) -> list[Place]:
    """The machines of which it is not known yet what becomes of them."""
    return [place for place in found.fresh if place.name not in settled and place.name not in failures]


def _settle_finished(session: Session, found: Survey) -> tuple[list[str], dict[str, str]]:
    """Record installations that ended while nobody followed them; return whose, and whose cannot be recorded."""
    read_history(session, found)
    settled, failures = [], {}
    for place in found.fresh:
        host_key = _told(found, place, "installed")
        if host_key is None:
            continue
        try:
            settle.installed(session, place, host_key)
        except LabError as error:
            failures[place.name] = error.problem
        else:
            settled.append(place.name)
    return settled, failures


def _failed_before(fresh: list[Place], found: Survey) -> dict[str, str]:
    """Machines that stand in a failed installation: they are not touched, since a stage turns nothing off."""
    return {
        place.name: f"{diagnosis.failed(place.name, _told(found, place, 'failed'))};"
        f" `inv hyperv.stop --machine {place.name} --cut-power` turns it off, then it is tried again"
        for place in fresh
        if place.runs and _told(found, place, "failed") is not None
    }


def _arm(session: Session, waiting: list[Place], found: Survey) -> None:
    """Arm whoever does not install already. Arming again forgets what an earlier try told."""
    again = [place for place in waiting if not (place.runs and place.name in found.timelines)]
    if not again:
        return
    remote = session.machines.bootstrap()
    server.run(remote, "pxe-arm.sh " + " ".join(f"{place.name}={place.disk}" for place in again))
    armed = server.read_records(remote).armed
    for place in again:
        found.timelines[place.name] = Timeline(place.name, armed[place.name].time)


def _told(found: Survey, place: Place, stage: str) -> str | None:
    timeline = found.timelines.get(place.name)
    return timeline.detail(stage) if timeline else None


def _stages(found: Survey) -> dict[str, dict[str, float]]:
    """When each machine reached each stage, by the bootstrap server's clock."""
    return {
        name: {stage: event.time for stage, event in timeline.events.items()}
        for name, timeline in found.timelines.items()
    }


def _error(failures: dict[str, str]) -> LabError:
    first = next(iter(failures))
    what = f"{len(failures)} machine{'s are' if len(failures) > 1 else ' is'} not installed"
    return LabError("\n  ".join([what, *failures.values()]), diagnosis.HINT.format(machine=first))
