"""os.status: each machine's VM, system and answer. What cannot be asked is told as that; nothing is changed.

Who is asked for what stands in docs/architecture.md ("What is proof of what"): the hosts for a VM's power, a machine
itself for its system, and for one that does not answer the records, or the disk that is noted beside its pinned key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from labkit.controller import keys
from labkit.errors import LabError, together
from labkit.machines import wait
from labkit.machines.progress import obstacle
from labkit.machines.survey import Place, Survey, read_history
from labkit.pxe import server
from labkit.session import Session

if TYPE_CHECKING:
    from labkit.description.lab import Machine
    from labkit.hyperv.facts import VmFacts
    from labkit.hyperv.findings import Facts

POWER = {"Running": "on", "Off": "off"}  # other states by Hyper-V's own word
ON_ITS_DISK = {"installing": "armed, its boot disk is in", "nothing": "not installed"}


@dataclass(frozen=True)
class Row:
    """One machine in words: its VM, the system on its disk, whether SSH enters it."""

    machine: Machine
    power: str
    system: str
    ssh: str


def show(session: Session) -> None:
    """Print a row for each machine; then raise the errors of those hosts that do not answer."""
    facts, errors = session.hosts.survey()
    table = Table("machine", "MGMT", "VM", "system", "SSH", box=None, padding=(0, 2))
    for row in rows(session, facts):
        cells = (row.machine.name, str(row.machine.mgmt.address), row.power, row.system, row.ssh)
        table.add_row(*map(escape, cells))
    session.output.print(table)
    if errors:
        raise together(errors)


def rows(session: Session, facts: Facts) -> list[Row]:
    """Every machine as these hosts, the bootstrap server and the machines tell it; raises for none that is away."""
    known = _ask(session, facts)
    return [
        Row(machine, known.power(machine), known.system(machine), known.ssh(machine))
        for machine in session.lab.machines
    ]


@dataclass(frozen=True)
class _Known:
    """What was learned. `reason` says why the bootstrap server told nothing; then no machine behind it was asked."""

    session: Session
    facts: Facts
    found: Survey | None
    reason: str
    answers: Mapping[str, bool]

    def power(self, machine: Machine) -> str:
        if silence := _silence(self.facts, machine):
            return f"unknown: {silence}"
        vm = _vm(self.facts, machine)
        return POWER.get(vm.state, vm.state.lower()) if vm else "none"

    def system(self, machine: Machine) -> str:
        if self.answers.get(machine.name):
            return "installed"
        if silence := _silence(self.facts, machine):
            return f"unknown: {silence}"
        vm = _vm(self.facts, machine)
        if vm is None:
            return "-"
        if vm.system_disk is None:
            return "no system disk"
        if machine == self.session.lab.bootstrap:
            return self._of_server(vm)
        place = Place(machine, vm.system_disk.id, runs=False)
        if self.found and (self.found.is_installed(place) or place.name in self.found.timelines):
            return _recorded(self.found, place)
        if self._is_noted(place.address, place.disk):
            return "installed"
        return "not installed" if self.found else f"unknown: {self.reason}"

    def ssh(self, machine: Machine) -> str:
        if _vm(self.facts, machine) is None and not _silence(self.facts, machine):
            return "-"
        if not _may_run(self.facts, machine):
            return "silent"
        if machine.name not in self.answers:
            return "unknown"
        return "answers" if self.answers[machine.name] else "silent"

    def _of_server(self, vm: VmFacts) -> str:
        """The system of a bootstrap server that does not answer, by what os.bootstrap itself looks at."""
        from labkit.hyperv import bootdisk

        try:
            content = bootdisk.content(self.session, vm)
        except LabError as error:
            return f"unknown: {error.problem}"
        address = str(self.session.lab.bootstrap.external.address)
        if content == "something" and vm.system_disk and self._is_noted(address, vm.system_disk.id):
            return "installed"
        if content == "something" and not vm.is_off:
            return "unknown: it does not answer" if self.answers else "unknown: it cannot be asked"
        return ON_ITS_DISK.get(content, "something is on its disk")

    def _is_noted(self, address: str, disk: str) -> bool:
        return keys.pinned_disks(self.session.state).get(address) == disk


def _ask(session: Session, facts: Facts) -> _Known:
    """Ask the bootstrap server, and through it every machine that may run."""
    found, reason = _records(session, facts)
    asked = [machine for machine in session.lab.installed_by_network if found and _may_run(facts, machine)]
    answers = wait.answering(session, asked)
    if session.state.private_key.exists():
        answers[session.lab.bootstrap.name] = found is not None
    return _Known(session, facts, found, reason, answers)


def _records(session: Session, facts: Facts) -> tuple[Survey | None, str]:
    """What the bootstrap server knows of the machines, or why it cannot be asked."""
    reason = obstacle(session, facts)
    if reason:
        return None, reason
    vms = [(machine, _vm(facts, machine)) for machine in session.lab.installed_by_network]
    places = [Place(one, vm.system_disk.id, vm.state == "Running") for one, vm in vms if vm and vm.system_disk]
    try:
        found = Survey(places, server.read_records(session.machines.bootstrap()))
        read_history(session, found)
    except LabError as error:
        return None, error.problem
    return found, ""


def _recorded(found: Survey, place: Place) -> str:
    if found.is_installed(place):
        return "installed"
    timeline = found.timelines[place.name]
    return f"failed after {timeline.stage}" if timeline.detail("failed") is not None else f"armed, {timeline.stage}"


def _vm(facts: Facts, machine: Machine) -> VmFacts | None:
    here = facts.get(machine.host)
    return here.machines.get(machine.name) if here else None


def _silence(facts: Facts, machine: Machine) -> str:
    """Why nothing is known of a machine's VM; '' where its host tells."""
    here = facts.get(machine.host)
    if here is None:
        return f"{machine.host} does not answer"
    return "" if here.answers else f"Hyper-V on {machine.host} does not answer"


def _may_run(facts: Facts, machine: Machine) -> bool:
    """Whether its VM runs, as far as is known: one whose host says nothing may."""
    vm = _vm(facts, machine)
    return vm.state == "Running" if vm else bool(_silence(facts, machine))
