"""What runs while a room is up: a WinRM endpoint for each PC, the upstream server, and the power supply.

It is the first process of a process namespace of its own and lives in a mount namespace of its own, so that nothing it
started or mounted outlives it, however it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from rehearsal.hosts import certificate, endpoint
from rehearsal.hosts.begin import begin
from rehearsal.hosts.pc import server as model
from rehearsal.hosts.state import HostState
from rehearsal.room import base, disk, firmware, nameserver, network, notes
from rehearsal.room.command import run
from rehearsal.room.layout import HOST_USER, UPSTREAM, Layout
from rehearsal.room.plan import Plan
from rehearsal.room.supply import PowerSupply
from rehearsal.upstream import serve as serve_upstream


def main(layout: Layout, plan: Plan) -> int:
    """Run the room of a plan in a child process until SIGTERM, and take in the orphans of everything it runs."""
    child = os.fork()
    if child == 0:
        os._exit(_serve(layout, plan))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _serve(layout: Layout, plan: Plan) -> int:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    network.require_inside()
    # systemd-nspawn keeps lists below /run: in here that is a /run of the room's own
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    _forget_guests(layout)
    hosts = [HostState(layout.root, name) for name in plan.hosts]
    image = base.image(layout.cache)
    upstream = serve_upstream(layout.upstream, str(UPSTREAM.ip), 80, _logger(layout.root / "upstream.log"))
    nameserver.serve(str(UPSTREAM.ip))
    servers = [_endpoint(layout, plan, host) for host in hosts]
    for server in servers:
        server.start()
    supply = PowerSupply(layout, hosts, image)
    supply.translate()
    supply.start()
    for name, sentence in (notes.ROOM | ({"nat": notes.NAT} if plan.behind_nat else {})).items():
        notes.append(layout.notes, name, sentence)
    print(f"room: ready, firmware under {firmware.accelerator()}", flush=True)
    layout.ready.touch()
    ended.wait()
    supply.stop()
    for server in servers:
        server.stop()
    model.close()
    upstream.shutdown()
    disk.detach_all(layout.root)
    return 0


def _endpoint(layout: Layout, plan: Plan, host: HostState) -> endpoint.Endpoint:
    """A PC's WinRM, as Enable-LabHost.ps1 sets it up for the scheme that the lab names."""
    address = plan.hosts[host.host]
    described = next(one for one in plan.lab.hosts if one.name == host.host)
    host.make(begin(plan.lab, host.host, address=str(address.ip), prefix=address.network.prefixlen))
    if host.host == plan.lab.bootstrap.host:
        _put_dvd(host, plan.lab.iso_path, layout.dvd)
    pem = None
    if described.scheme == "https":
        pem = certificate.of_pc(host.certificate, host.read()["computer_name"], str(address.ip))
    password = os.environ["LAB_PASSWORD"]
    return endpoint.serve(host.host, str(address.ip), described.port, layout.root, HOST_USER, password, _pwsh(), pem)


def _put_dvd(host: HostState, path: str, image: Path) -> None:
    """Put the release's DVD where the lab says that somebody put it."""
    file = host.local(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.hardlink_to(image)


def _logger(file: Path) -> Callable[[str], None]:
    def log(line: str) -> None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n")

    return log


def _pwsh() -> Path | None:
    found = shutil.which(os.environ.get("LAB_PWSH") or "pwsh")
    return Path(found) if found else None


def _forget_guests(layout: Layout) -> None:
    """Remove what a room that was killed left of its guests; their disks and the hosts' states stay."""
    disk.detach_all(layout.root)
    shutil.rmtree(layout.root / "guests", ignore_errors=True)
    shutil.rmtree(layout.namespaces, ignore_errors=True)
    layout.ready.unlink(missing_ok=True)
    sys.stdout.flush()
