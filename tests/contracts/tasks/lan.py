"""The PCs and machines of a lab in memory: the PCs are the rehearsal's, by their scripts' JSON contract.

The machines are files and a few facts: they install themselves when they are switched on and armed, and let in who has
the lab's key.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab, Machine
from labkit.pxe import server
from labkit.session import Session
from rehearsal.hosts.state import HostState, initial, machine_of
from tests import discs
from tests.unit.machines.conftest import KEY
from tests.unit.verify.fakes import FakeCluster


@dataclass
class Facts:
    """What is true of the machines. Systems by machine: the disk that a finished one lies on."""

    systems: dict[str, str] = field(default_factory=dict)
    armed: dict[str, dict[str, Any]] = field(default_factory=dict)
    installed: dict[str, dict[str, Any]] = field(default_factory=dict)
    host_keys: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)  # stage and machine's disk
    log: list[str] = field(default_factory=list)
    moment: int = 1795448400
    services: bool = False
    cluster: dict[str, str] = field(default_factory=dict)  # what it was made with, as cluster.sh says it
    names: list[str] = field(default_factory=list)  # of the API server's certificate
    inside: dict[str, str] = field(default_factory=dict)  # addresses in MGMT
    outside: dict[str, dict[str, str]] = field(default_factory=dict)  # EXTERNAL's settings, as outside.sh says them


class Lan:
    """The PCs and machines of one lab below a folder."""

    def __init__(self, lab: Lab, root: Path) -> None:
        self.lab, self.root, self.facts = lab, root, Facts()
        self.state = StateDir(root / ".lab" / lab.id)
        self.pcs = {host.name: HostState(root, host.name) for host in lab.hosts}
        self.leases = 0
        for host in lab.hosts:
            self.pcs[host.name].make(initial(host.name, address=host.address))
        discs.put(self.pcs[lab.bootstrap.host], lab)
        self.cluster = FakeCluster(Session(lab))
        self.kept: Facts | None = None

    def keep(self) -> None:
        """Remember the machines as they are now; the PCs and `.lab` are files, which the caller keeps."""
        self.kept = copy.deepcopy(self.facts)

    def back(self, before: str) -> None:
        """Make the machines what they were: "bare", or "built" as they were kept."""
        self.facts = copy.deepcopy(self.kept) if before == "built" and self.kept else Facts()
        self.cluster = FakeCluster(Session(self.lab))

    def vm(self, machine: Machine) -> dict[str, Any] | None:
        """Its VM, on whichever PC."""
        vms = (vm for pc in self.pcs.values() for vm in pc.read()["vms"].values())
        return next((vm for vm in vms if machine_of(vm) == machine.name), None)

    def disk(self, machine: Machine) -> str:
        """The id of the system disk that its VM has; '' while it is off."""
        vm = self.vm(machine)
        if vm is None or vm["state"] != "Running":
            return ""
        paths = [drive["path"] for drive in vm["drives"]]
        return next((found[1] for path in paths if (found := re.search(r"system-([0-9a-f]{8})", path))), "")

    def checksum(self) -> str:
        """What Rocky publishes beside the DVD that lies on the PC."""
        image = self.pcs[self.lab.bootstrap.host].local(self.lab.iso_path)
        return f"SHA256 (dvd.iso) = {hashlib.sha256(image.read_bytes()).hexdigest()}\n"

    def lives_at(self, machine: Machine) -> str:
        """The address where it is entered; '' while it has no system."""
        if machine != self.lab.bootstrap:
            return self.facts.inside.get(machine.name, "")
        return self.facts.outside.get(machine.name, {}).get("address1", "").partition("/")[0]

    def greets(self, machine: Machine, address: str) -> bool:
        """Whether SSH answers there: its system runs."""
        disk = self.disk(machine)
        return bool(disk) and self.facts.systems.get(machine.name) == disk and address == self.lives_at(machine)

    def lets_in(self, machine: Machine) -> bool:
        """Whether SSH enters it: its system runs, the lab's key is here, and its host key is pinned."""
        disk, bootstrap = self.disk(machine), machine == self.lab.bootstrap
        if not disk or self.facts.systems.get(machine.name) != disk or not self.state.private_key.exists():
            return False
        pinned = keys.pinned(self.state).get(self.lives_at(machine))
        return pinned is not None and (bootstrap or pinned == KEY)

    def live(self) -> None:
        """Let machines that were switched on do what they would by now: install themselves."""
        server_disk = self.disk(self.lab.bootstrap)
        if server_disk and self.facts.systems.get(self.lab.bootstrap.name) != server_disk:
            self.facts.systems[self.lab.bootstrap.name] = server_disk
            self._settle(self.lab.bootstrap, (self.state.bootstrap / "ks.cfg").read_text("utf-8"))
            self._fill(self.lab.bootstrap, server_disk)
        for machine in self.lab.installed_by_network:
            disk, record = self.disk(machine), self.facts.armed.get(machine.name)
            if disk and record and record["disk"] == disk and self.facts.systems.get(machine.name) != disk:
                served = self.facts.files[self.lab.bootstrap.name]
                self._settle(machine, served[f"{server.PUBLISH}/{machine.name}.ks"].decode())
                told = "?hostkey=" + KEY.replace(" ", "%20").replace("+", "%2B")
                self.facts.log += [self._event(machine, one) for one in ("kickstart", "installing", "installed" + told)]
                self.facts.systems[machine.name] = disk

    def _settle(self, machine: Machine, kickstart: str) -> None:
        """Give it the MGMT and EXTERNAL of its kickstart, as the installer writes them down."""
        self.facts.inside.update({machine.name: re.findall(r"--ip=(\S+) .*--hostname=", kickstart)[0]})
        (row,) = re.findall(r"--ip=(\S+) --netmask=(\S+) --gateway=(\S+) --nameserver=(\S+)", kickstart)
        address, mask, gateway, names = row
        prefix = IPv4Network(f"0.0.0.0/{mask}").prefixlen
        found = {"id": "eth2", "address1": f"{address}/{prefix},{gateway}", "dns": names.replace(",", ";") + ";"}
        self.facts.outside[machine.name] = found

    def _fill(self, machine: Machine, disk: str) -> None:
        (file,) = self.pcs[machine.host].drive.rglob(f"system-{disk}.vhdx")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"file_bytes": 2 << 30}))

    def _event(self, machine: Machine, stage: str) -> str:
        self.facts.moment += 1
        row = {"time": self.facts.moment, "client": self.lives_at(machine), "method": "GET", "status": 204}
        return json.dumps({**row, "bytes": 0, "uri": f"/event/{machine.name}/{stage}"})
