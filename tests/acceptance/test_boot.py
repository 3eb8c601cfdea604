"""A machine is what its GRUB file and its kickstart say: both are tampered with while machines install.

w1 is left alone. w2's and w3's GRUB files are swapped, and in their kickstarts the adapters, so that each machine may
become the other. cp1's kickstart is altered. storage1's loses the lab's key.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.rehearsal.rehearsing import Rehearsal, Run

pytestmark = pytest.mark.timeout(1500)
INSTALL_S = 240
ONE_ACT = True
MOVED = "192.0.2.177"
KICKSTARTS = "/srv/lab/ks"


def _swap_grub_files(room: Rehearsal) -> None:
    """In the folder that arming installs them from."""
    for kind in ("install", "local"):
        one, two = (f"/opt/lab/publish/{name}.{kind}" for name in ("w2", "w3"))
        room.on("bootstrap", f"mv {one} {one}.x && mv {two} {one} && mv {one}.x {two}")


def _tamper(room: Rehearsal) -> None:
    """With the kickstarts that are about to be fetched."""
    pairs = zip(room.lab.machine("w2").interfaces, room.lab.machine("w3").interfaces, strict=True)
    # The mark in between must not occur in a kickstart: any letter may stand in the public key.
    swap = "; ".join(f"s/{two.mac}/@@/g; s/{three.mac}/{two.mac}/g; s/@@/{three.mac}/g" for two, three in pairs)
    external = room.lab.machine("cp1").external.address
    lines = [
        f"sed -i '{swap}' {KICKSTARTS}/w2.cfg {KICKSTARTS}/w3.cfg",
        f"sed -i 's/--hostname=cp1/--hostname=altered/; s/--ip={external} /--ip={MOVED} /' {KICKSTARTS}/cp1.cfg",
        f"sed -i 's/^%packages.*/&\\nnginx/' {KICKSTARTS}/cp1.cfg",
        f"sed -i '/^sshkey /d' {KICKSTARTS}/storage1.cfg",
    ]
    room.on("bootstrap", " && ".join(lines))


@pytest.fixture(scope="module")
def installed(room: Rehearsal) -> Run:
    """How os.install ended with all that."""
    published = room.inv("pxe.publish")
    assert published.code == 0, published
    _swap_grub_files(room)
    begun = room.start_inv("os.install", file=room.impatient(install_s=INSTALL_S, ssh_s=40))
    _await_power_on(room)
    _tamper(room)  # firmware takes some 10 s to the kickstart
    return begun.finish(1200)


def _await_power_on(room: Rehearsal) -> None:
    end = time.monotonic() + 120
    while "w3: network boot from" not in (room.place / "room.log").read_text(errors="replace"):
        assert time.monotonic() < end, "w3 was not powered on"
        time.sleep(0.2)


def _as_bootstrap(room: Rehearsal, name: str, command: str) -> str:
    """The output of a command on whatever machine answers at `name`'s address, whoever it is."""
    key, address = f"/home/{room.lab.machine_user}/.ssh/id_ed25519", room.lab.machine(name).mgmt.address
    options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    options += " -o GlobalKnownHostsFile=/dev/null -o LogLevel=ERROR"
    words = f"ssh -i {key} {options} {room.lab.machine_user}@{address} '{command}'"
    return room.on("bootstrap", f"sudo -u {room.lab.machine_user} {words}").strip()


def _addresses(room: Rehearsal, name: str) -> dict[str, Any]:
    links = json.loads(_as_bootstrap(room, name, "ip -json address"))
    return {link["address"]: [a["local"] for a in link["addr_info"] if a["family"] == "inet"] for link in links}


@pytest.mark.parametrize(("vm", "becomes"), [("w2", "w3"), ("w3", "w2")])
def test_swapping_two_grub_files_swaps_the_machines(room: Rehearsal, installed: Run, vm: str, becomes: str) -> None:
    guest = room.place / "guests" / room.vm(vm)["id"]
    assert f"/ks/{becomes}.cfg" in (guest / "cmdline").read_text()
    assert _as_bootstrap(room, becomes, "hostname") == becomes
    mine, other = room.lab.machine(vm), room.lab.machine(becomes)
    assert str(other.mgmt.address) in _addresses(room, becomes)[mine.mgmt.mac]


def test_altering_the_kickstart_alters_the_machine(room: Rehearsal, installed: Run) -> None:
    assert _as_bootstrap(room, "cp1", "hostname") == "altered"
    assert _addresses(room, "cp1")[room.lab.machine("cp1").external.mac] == [MOVED]
    assert _as_bootstrap(room, "cp1", "rpm -q nginx").startswith("nginx-")
    assert "not installed" in _as_bootstrap(room, "w1", "rpm -q nginx || true")


def test_a_machine_that_was_left_alone_is_as_described(room: Rehearsal, installed: Run) -> None:
    assert room.on("w1", "hostname").strip() == "w1"


def test_the_install_fails_for_the_machine_without_the_key_and_for_the_swapped_ones(installed: Run) -> None:
    assert installed.code != 0
    told = " ".join(installed.output.split())
    assert "3 machines are not installed" in told, installed
    assert "storage1 does not answer by SSH" in told, installed
    assert "Traceback" not in told
