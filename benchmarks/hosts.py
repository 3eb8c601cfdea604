"""How long the hosts take for 6, 20 and 60 machines over 2 and 6 hosts: `make benchmark`.

Real pywinrm against stand-in PCs on this machine, whose every command takes 300 ms longer. What is wanted:
near-flat in machines, since all machines of a host go in one call; flat in hosts, since hosts are asked at once.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.description.load import load_lab
from labkit.hyperv import create, destroy
from labkit.project import ROOT
from labkit.session import Session
from rehearsal.hosts.endpoint import Endpoint, serve
from rehearsal.hosts.state import GIB, HostState, initial

COMMAND_S = 0.3
SIZES = [(machines, hosts) for hosts in (2, 6) for machines in (6, 20, 60)]
PASSWORD = "benchmark"  # noqa: S105 - of stand-ins that live for seconds


def described(folder: Path, machines: int, hosts: int) -> Lab:
    """Describe a lab of that size: the rehearsal's, with more workers and more hosts."""
    whole = yaml.safe_load((ROOT / "labs" / "rehearsal.yaml").read_text(encoding="utf-8"))
    lab = whole["lab"]
    names = [f"pc{number}" for number in range(1, hosts + 1)]
    lab["external"]["address_pool"] = None  # sixty machines need its addresses
    lab["hosts"] = {name: {"address": f"192.0.2.{10 + number}"} for number, name in enumerate(names, 1)}
    worker = next(one for one in lab["machines"] if one["roles"] == ["worker"])
    for number in range(len(lab["machines"]) + 1, machines + 1):
        lab["machines"].append({**worker, "name": f"extra{number}", "number": number})
    for number, machine in enumerate(lab["machines"]):
        machine["host"] = names[number % hosts]
    file = folder / "lab.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return load_lab(file)


@contextmanager
def running(lab: Lab, folder: Path) -> Iterator[Lab]:
    """Serve the lab's hosts on this machine, large enough and slow."""
    endpoints: list[Endpoint] = []
    for host in lab.hosts:
        pc = HostState(folder, host.name)
        pc.make(initial(host.name, address=host.address, memory_bytes=1024 * GIB))
        with pc.change() as state:
            state["volume"]["size_bytes"] = 8192 * GIB
        pc.local(lab.iso_path).write_text("a DVD", encoding="ascii")
        slow = [{"kind": "slow", "on": "Command", "seconds": COMMAND_S}]
        (pc.folder / "faults.json").write_text(json.dumps(slow), encoding="utf-8")
        endpoints.append(serve(host.name, "127.0.0.1", 0, folder, "lab", PASSWORD, None))
        endpoints[-1].start()
    served = zip(lab.hosts, endpoints, strict=True)
    try:
        yield replace(
            lab, hosts=tuple(replace(host, address="127.0.0.1", scheme="http", port=one.port) for host, one in served)
        )
    finally:
        for endpoint in endpoints:
            endpoint.stop()


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def in_the_pcs(folder: Path) -> float:
    """Seconds that the slowest stand-in PC spent on its scripts since this was asked last: not the lab's own time."""
    spent = [0.0]
    for journal in folder.glob("hosts/*/calls.jsonl"):
        spent.append(sum(json.loads(line)["seconds"] for line in journal.read_text(encoding="utf-8").splitlines()))
        journal.unlink()
    return max(spent)


def session(lab: Lab, folder: Path) -> Session:
    """The session of a new `inv`, whose `.lab/` lies in `folder`."""
    fresh = Session(lab)
    fresh.state = StateDir(folder / ".lab")
    return fresh


def measure(machines: int, hosts: int) -> list[float]:
    """Seconds of create (its check included), status and destroy, each as an `inv` of its own would do it.

    After each comes what of it the stand-in PCs needed for their own work.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def remove(run: Session) -> None:
            destroy.remove(run, destroy.find(run))

        with running(described(folder, machines, hosts), folder) as lab:
            acts: list[Callable[[], object]] = [
                lambda: create.create(session(lab, folder)),
                lambda: session(lab, folder).hosts.read(),
                lambda: remove(session(lab, folder)),
            ]
            return [value for act in acts for value in (seconds(act), in_the_pcs(folder))]


def main() -> None:
    """Print the table."""
    os.environ["LAB_PASSWORD"] = PASSWORD
    heads = [head for act in ("create", "status", "destroy") for head in (f"{act} s", "in the PCs")]
    table = Table("hosts", "machines", *heads, title=f"{COMMAND_S:g} s a command")
    for machines, hosts in SIZES:
        table.add_row(str(hosts), str(machines), *(f"{value:.2f}" for value in measure(machines, hosts)))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
