"""How far each machine is, for a status: what Hyper-V says, and what the bootstrap server adds within seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit import threads
from labkit.errors import LabError
from labkit.machines import wait
from labkit.machines.survey import Place, Survey, read_history
from labkit.pxe import server

if TYPE_CHECKING:
    from labkit.hyperv.findings import Facts
    from labkit.session import Session

CONNECT_S = 1.5
PATIENCE_S = 4.0  # for everything that is asked over that connection


@dataclass(frozen=True)
class Progress:
    """Each machine's stage, for those that have a VM; `caveat` says why no more than Hyper-V's word is known, or ''."""

    stages: Mapping[str, str]
    caveat: str = ""


def progress(session: Session, facts: Facts) -> Progress:
    """Stages of the machines that these hosts carry: off, powered, those of an installation, ssh. Raises nothing."""
    vms = {name: vm for here in facts.values() for name, vm in here.machines.items()}
    stages = {name: "powered" if vm.state == "Running" else "off" for name, vm in vms.items()}
    places = [
        Place(machine, vm.system_disk.id, True)
        for machine in session.lab.installed_by_network
        if (vm := vms.get(machine.name)) and vm.state == "Running" and vm.system_disk
    ]
    reason = obstacle(session, facts)
    if not reason:
        told = _within(PATIENCE_S, session, places)
        if isinstance(told, dict):
            return Progress(stages | told)
        reason = told
    return Progress(stages, f"stages as Hyper-V tells them: {reason}" if places else "")


def obstacle(session: Session, facts: Facts) -> str:
    """Why the bootstrap server cannot be asked, in words; '' when it listens."""
    machine = session.lab.bootstrap
    here = facts.get(machine.host)
    vm = here.machines.get(machine.name) if here else None
    if not session.state.private_key.exists():
        return "the lab has no SSH key yet (inv os.bootstrap)"
    if here and here.answers and (vm is None or vm.state != "Running"):
        return f"{machine.name} is {vm.state.lower() if vm else 'missing'}"
    return "" if session.machines.listens(CONNECT_S) else f"{machine.name} does not answer by SSH"


def _within(seconds: float, session: Session, places: list[Place]) -> dict[str, str] | str:
    """What the bootstrap server tells; in words why it does not, or not in time."""
    asking = threads.start(lambda: _ask(session, places))  # left behind when it takes longer
    threads.wait([asking], seconds)
    if not asking.done():
        return f"{session.lab.bootstrap.name} takes more than {seconds:.0f} s to answer"
    try:
        return asking.result()
    except LabError as error:
        return error.problem


def _ask(session: Session, places: list[Place]) -> dict[str, str]:
    remote = session.machines.bootstrap()
    found = Survey(places, server.read_records(remote))
    read_history(session, found)
    reachable = wait.listening(session, [place.machine for place in places if found.is_installed(place)])
    stages = {place.name: "ssh" if place.name in reachable else _stage(found, place) for place in places}
    return stages | {session.lab.bootstrap.name: "ssh"}


def _stage(found: Survey, place: Place) -> str:
    if found.is_installed(place):
        return "installed"
    timeline = found.timelines.get(place.name)
    if timeline is None:
        return "powered"
    return "failed" if timeline.detail("failed") is not None else timeline.stage
