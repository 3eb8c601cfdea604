"""What is known of each machine before anything is done: its VM, its disk, whether that disk is installed.

Nothing is remembered by the controller: disks stand in Hyper-V, what is armed and installed on the bootstrap server,
how far a machine is in the logs there. So a run that was killed is taken up by the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from labkit.description.lab import Machine
from labkit.errors import MissingError
from labkit.pxe import logs, server
from labkit.pxe.events import Timeline
from labkit.session import Session


@dataclass(frozen=True)
class Place:
    """A machine with the id of its system disk, and whether its VM runs."""

    machine: Machine
    disk: str
    runs: bool

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def address(self) -> str:
        """Where it is entered, and its host key is pinned."""
        return str(self.machine.mgmt.address)


@dataclass
class Survey:
    """Every machine that is installed over the network, the bootstrap server's records, and who is on the way."""

    places: list[Place]
    records: server.Records
    timelines: dict[str, Timeline] = field(default_factory=dict)

    def is_installed(self, place: Place) -> bool:
        """Whether the disk that the machine has now is the one that was installed."""
        record = self.records.installed.get(place.name)
        return record is not None and record.disk == place.disk

    def is_armed(self, place: Place) -> bool:
        record = self.records.armed.get(place.name)
        return record is not None and record.disk == place.disk

    @property
    def fresh(self) -> list[Place]:
        return [place for place in self.places if not self.is_installed(place)]


def survey(session: Session, *, look_again: bool = True) -> Survey:
    """Read hosts and records. With `look_again` the hosts are asked anew, whatever this run read before.

    Raises MissingError when a machine has no VM or no system disk.
    """
    places = _places(session, look_again)
    return Survey(places, server.read_records(session.machines.bootstrap()))


def read_history(session: Session, found: Survey) -> None:
    """Fill the timelines of machines that are armed for the disk they have, from the logs so far."""
    for place in found.fresh:
        if found.is_armed(place):
            found.timelines[place.name] = Timeline(place.name, found.records.armed[place.name].time)
    if not found.timelines:
        return
    reader = logs.reader(session.lab, found.records)
    for text in logs.history(session.machines.bootstrap()):
        event = reader.event(text)
        if event and event.machine in found.timelines:
            found.timelines[event.machine].add(event)


def _places(session: Session, look_again: bool) -> list[Place]:
    from labkit.hyperv.findings import answering

    hosts = answering(session.hosts.read(fresh=look_again))
    places = []
    for machine in session.lab.installed_by_network:
        vm = hosts[machine.host].machines.get(machine.name)
        if vm is None or vm.system_disk is None:
            what = "VM" if vm is None else "system disk"
            raise MissingError(f"{machine.name} has no {what} on {machine.host}", "run `inv hyperv.create`")
        places.append(Place(machine, vm.system_disk.id, vm.state == "Running"))
    return places
