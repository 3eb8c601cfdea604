"""Starting and stopping machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labkit.errors import MissingError
from labkit.hyperv.findings import answering

if TYPE_CHECKING:
    from labkit.hyperv.facts import VmFacts
    from labkit.session import Session

    Place = tuple[str, VmFacts]

IDLE = ("Off", "Saved")


def start(session: Session, machines: Iterable[str]) -> list[str]:
    """Start the machines named that do not run; return those that were started.

    Raises MissingError when one has no VM, and the hosts' errors (too little memory, a port refused) all together.
    """
    places, wanted = _places(session), list(machines)
    absent = [name for name in wanted if name not in places]
    if absent:
        raise MissingError(f"no VM for {', '.join(absent)}", "inv hyperv.create")
    waiting = {name: places[name] for name in wanted if places[name][1].state != "Running"}
    return _run(session, "Start-LabMachine", waiting, {})


def stop(session: Session, machines: Iterable[str], *, cut_power: bool = False) -> list[str]:
    """Shut down the machines named that run; return those that were stopped. With `cut_power` no guest is asked.

    A machine without a VM is stopped already. A guest that cannot be asked (no system on it yet) is an error, and goes
    on running.
    """
    places = _places(session)
    running = {name: places[name] for name in machines if name in places and places[name][1].state not in IDLE}
    return _run(session, "Stop-LabMachine", running, {"CutPower": cut_power})


def is_off(session: Session, machine: str) -> bool:
    """Whether a machine's VM is off, by what is known of it; a machine without a VM is not."""
    found = [here.machines.get(machine) for here in answering(session.hosts.read()).values()]
    return any(vm is not None and vm.is_off for vm in found)


def _places(session: Session) -> dict[str, Place]:
    """Host and VM of every machine, by a fresh look."""
    facts = answering(session.hosts.read(fresh=True))
    return {name: (host, vm) for host, here in facts.items() for name, vm in here.machines.items()}


def _run(session: Session, script: str, places: Mapping[str, Place], more: Mapping[str, Any]) -> list[str]:
    parameters: dict[str, dict[str, Any]] = {}
    for host, vm in places.values():
        parameters.setdefault(host, {"Lab": session.lab.name, "Id": [], **more})["Id"].append(vm.id)
    answers = session.hosts.run(script, parameters) if parameters else {}
    rows = [machine for answer in answers.values() for machine in answer["machines"]]
    return [machine["name"] for machine in rows if machine["changed"]]
