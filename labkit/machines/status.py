"""os.status: each machine's disk, record and answer, in one table; nothing is changed."""

from __future__ import annotations

from rich.table import Table

from labkit.machines import wait
from labkit.machines.survey import Survey, read_history, survey
from labkit.session import Session


def table(session: Session) -> Table:
    """Machine, address, VM, installation, SSH. Raises when the hosts or the bootstrap server cannot be asked."""
    found = survey(session)
    read_history(session, found)
    answers = wait.answering(session, session.lab.machines)
    shown = Table("machine", "MGMT", "VM", "system", "SSH", box=None, padding=(0, 2))
    server = session.lab.bootstrap
    shown.add_row(server.name, str(server.mgmt.address), "on", "installed by hand", _word(answers[server.name]))
    for place in found.places:
        system = "installed" if found.is_installed(place) else _progress(found, place.name)
        power = "on" if place.runs else "off"
        shown.add_row(place.name, str(place.machine.mgmt.address), power, system, _word(answers[place.name]))
    return shown


def _progress(found: Survey, name: str) -> str:
    timeline = found.timelines.get(name)
    if timeline is None:
        return "not installed"
    return f"failed after {timeline.stage}" if timeline.detail("failed") is not None else f"armed, {timeline.stage}"


def _word(answers: bool) -> str:
    return "answers" if answers else "silent"
