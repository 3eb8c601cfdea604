"""The labs beside the usual one, from nothing to a verified lab and back: on one PC, and without VLANs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.room import system
from rehearsal.room.errors import RoomError
from tests.labs import REHEARSED, rehearsed
from tests.rehearsal.rehearsing import Rehearsal, eventually

pytestmark = pytest.mark.timeout(3600)


@pytest.mark.parametrize("name", REHEARSED)
def test_a_lab_is_built_verified_lived_in_and_removed(name: str, tmp_path: Path) -> None:
    """After a failure the room stays up, to be looked at."""
    try:
        system.require_debian()
    except RoomError as error:
        pytest.skip(str(error))
    room = Rehearsal(tmp_path, rehearsed(name, tmp_path))
    room.up()
    built(room)
    unchanged(room)
    reinstalled(room)
    stopped_and_up(room)
    removed(room)
    room.down()


def ready(room: Rehearsal) -> dict[str, str]:
    return {machine.name: "True" for machine in room.lab.nodes}


def built(room: Rehearsal) -> None:
    run = room.inv("lab.rebuild", consent=True, timeout_s=1800)
    assert run.code == 0, run
    assert room.ready() == ready(room)
    assert run.failed() == set()
    answered = {row for row, result in run.rows.items() if row.startswith("nginx answers") and result == "ok"}
    own = {"nginx answers at its own address"} if room.lab.address_pool else set()
    assert answered == {f"nginx answers at {machine.name}" for machine in room.lab.nodes} | own
    gateway = str(room.lab.external.gateway)
    assert f"default via {gateway} " in room.on("w1", "ip route show default")


def unchanged(room: Rehearsal) -> None:
    run = room.inv("lab.up")
    assert run.code == 0, run
    assert {row["step"] for row in run.ends if row["changed"]} == set()
    run = room.inv("k8s.all", "nfs.all")
    assert run.code == 0, run
    assert {row["step"] for row in run.ends if row["changed"]} == set()


def reinstalled(room: Rehearsal) -> None:
    """One worker anew, while the others go on."""
    run = room.inv("os.reinstall", "--machine", "w1", consent=True)
    assert run.code == 0, run
    run = room.inv("k8s.join")
    assert run.code == 0, run
    eventually(room.ready, ready(room), timeout_s=60)


def stopped_and_up(room: Rehearsal) -> None:
    run = room.inv("lab.stop")
    assert run.code == 0, run
    assert {room.vm(machine.name)["state"] for machine in room.lab.machines} == {"Off"}
    run = room.inv("lab.up")
    assert run.code == 0, run
    assert room.ready() == ready(room)


def removed(room: Rehearsal) -> None:
    """Everything but the data disk and its mark."""
    assert room.lab.storage is not None
    carrier = room.host(room.lab.storage.host)
    data = carrier.local(room.disk(room.lab.storage.name, "data"))
    run = room.inv("lab.destroy", consent=True)
    assert run.code == 0, run
    hosts = [room.host(host.name) for host in room.lab.hosts]
    assert [host.read()["vms"] for host in hosts] == [{} for _ in hosts]
    assert [path for host in hosts for path in host.drive.rglob("*.vhdx")] == [data]
