"""A rebuild that cannot finish does not begin; machines go down after those that use them and come up before them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import obstacles
from labkit.controller import keys
from labkit.description.lab import Lab
from labkit.errors import LabError, MissingError, RefusedError, UnreachableError
from labkit.hyperv import check, power
from labkit.lab import lifecycle
from labkit.session import Session
from tests.labs import delivered, small
from tests.unit.hyperv.conftest import Pcs
from tests.unit.hyperv.test_boot_disk import media
from tests.unit.k8s.doubles import FakeMachines, attach
from tests.unit.tasks.conftest import holds, without_dvd

GB = 1 << 30


def remove_vm(pcs: Pcs, machine: str, *, disks: bool) -> None:
    """As somebody in Hyper-V Manager, and with `disks` in Explorer as well."""
    row = pcs.vm(machine)
    for answer in pcs.answers.values():
        answer["vms"] = [vm for vm in answer["vms"] if vm is not row]
        answer["disks"] = [disk for disk in answer["disks"] if not disks or disk["mark"]["machine"] != machine]


def lose_keys(session: Session) -> None:
    """Another controller, a fresh clone: nothing of this lab is here."""
    shutil.rmtree(session.state.path)


Act = Callable[[Session], object]
Refused = Callable[[type[LabError], str], str]
ACTS: list[Act] = [obstacles.check, lambda session: lifecycle.discard(session, dry=False)]
ACTS += [lambda session: lifecycle.discard(session, dry=True)]


@pytest.fixture(params=ACTS, ids=["lab.check", "lab.discard", "dry"])
def refused(request: pytest.FixtureRequest, session: Session, pcs: Pcs) -> Refused:
    """Refusing to begin a rebuild: with this error, these words, and nothing changed; returns the hint."""

    def refuse(error: type[LabError], told: str) -> str:
        with pytest.raises(error, match=told) as refusal:
            request.param(session)
        assert [script for _, script, _ in pcs.calls if not script.startswith("Get-")] == []
        return str(refusal.value.hint)

    return refuse


def test_one_that_runs_and_cannot_be_entered_stops_a_rebuild(machines: FakeMachines, refused: Refused) -> None:
    machines.silent.add("bootstrap")
    hint = refused(UnreachableError, "bootstrap")
    for way in ("inv os.bootstrap", "inv lab.import FILE", "inv os.reinstall --machine bootstrap"):
        assert way in hint


@pytest.mark.parametrize("state", ["Running", "Off", "Saved", "only its disk"])
def test_one_that_no_key_here_opens_stops_a_rebuild(session: Session, pcs: Pcs, refused: Refused, state: str) -> None:
    lose_keys(session)
    if state == "only its disk":
        remove_vm(pcs, "bootstrap", disks=False)
    else:
        pcs.vm("bootstrap")["state"] = state
    hint = refused(RefusedError, r"bootstrap .*no key")
    assert "inv lab.import FILE" in hint
    assert "inv os.reinstall --machine bootstrap" in hint
    assert not session.state.private_key.exists()


@pytest.mark.parametrize("state", ["Off", "gone"])
def test_one_that_is_off_or_not_made_yet_is_started_or_made_by_the_rebuild(
    session: Session, pcs: Pcs, machines: FakeMachines, state: str, tmp_path: Path
) -> None:
    machines.silent.add("bootstrap")
    note_disk(session)
    pcs.vm("bootstrap")["state"] = "Off"
    if state == "gone":
        pcs.replies["Get-LabMedia"] = media(tmp_path)
        remove_vm(pcs, "bootstrap", disks=True)
    obstacles.check(session)


def note_disk(session: Session, disk: str = "") -> None:
    """As os.bootstrap does it beside the key that the system on that disk has; '': on the one that the machine has."""
    found = session.hosts.read()["pc1"].machines["bootstrap"].system_disk
    disk = disk or (found.id if found else "")
    session.hosts.forget()
    _, public = keys.bootstrap_host_key(session.state)
    keys.pin(session.state, str(session.lab.bootstrap.external.address), public, disk)


@pytest.mark.parametrize("noted", [True, False], ids=["another disk", "keys that installed nothing yet"])
def test_one_that_is_off_with_a_system_that_was_not_made_from_here_stops_a_rebuild(
    session: Session, pcs: Pcs, refused: Refused, noted: bool
) -> None:
    if noted:
        note_disk(session, "0ld00000")
    pcs.vm("bootstrap")["state"] = "Off"
    hint = refused(RefusedError, "not known to be those that open it")
    for way in ("`inv os.bootstrap` starts it", "inv lab.import FILE", "inv os.reinstall --machine bootstrap"):
        assert way in hint


def test_one_that_is_off_and_was_made_before_disks_were_noted_is_good(session: Session, pcs: Pcs) -> None:
    session.state.known_hosts.write_text(keys.known_hosts_text(keys.pinned(session.state)))
    pcs.vm("bootstrap")["state"] = "Off"
    obstacles.check(session)


@pytest.mark.parametrize("disk", ["blank", "gone"])
def test_one_to_be_installed_from_another_dvd_stops_a_rebuild_though_its_key_is_here(
    pcs: Pcs, refused: Refused, disk: str, tmp_path: Path
) -> None:
    pcs.replies["Get-LabMedia"] = media(tmp_path, label="Rocky-10-1-x86_64-dvd")
    pcs.vm("bootstrap")["state"] = "Off"
    if disk == "gone":
        remove_vm(pcs, "bootstrap", disks=True)
    refused(RefusedError, "which is not Rocky Linux 9")


def test_one_to_be_installed_without_a_dvd_stops_a_rebuild_though_its_key_is_here(
    session: Session, pcs: Pcs, refused: Refused
) -> None:
    without_dvd(session, pcs)
    pcs.vm("bootstrap")["state"] = "Off"
    holds(pcs, 6 << 20)
    refused(MissingError, "is installed from")


def test_one_that_is_off_and_installed_needs_no_dvd_any_more(session: Session, pcs: Pcs) -> None:
    without_dvd(session, pcs)
    note_disk(session)
    pcs.vm("bootstrap")["state"] = "Off"
    obstacles.check(session)


def test_without_key_and_dvd_the_key_is_what_is_missing(session: Session, pcs: Pcs) -> None:
    lose_keys(session)
    without_dvd(session, pcs)
    pcs.vm("bootstrap")["state"] = "Off"
    with pytest.raises(RefusedError, match="no key that opens it"):
        obstacles.check(session)


def test_of_one_that_lets_us_in_no_copy_of_its_host_key_is_needed_here(
    session: Session, pcs: Pcs, machines: FakeMachines
) -> None:
    (session.state.bootstrap / keys.HOST_KEY).unlink()
    obstacles.check(session)
    machines.silent.add("bootstrap")
    with pytest.raises(RefusedError, match="ssh_host_ed25519_key is gone"):
        obstacles.check(session)


@pytest.mark.parametrize("state", ["blank", "gone", "nothing at all"])
def test_without_any_key_one_that_nobody_installed_yet_is_good(
    session: Session, pcs: Pcs, state: str, tmp_path: Path
) -> None:
    lose_keys(session)
    pcs.vm("bootstrap")["state"] = "Off"
    pcs.replies["Get-LabMedia"] = media(tmp_path)
    if state != "blank":
        remove_vm(pcs, "bootstrap", disks=True)
    if state == "nothing at all":
        for machine in session.lab.installed_by_network:
            remove_vm(pcs, machine.name, disks=True)
    obstacles.check(session)


@pytest.mark.parametrize("left", ["id_ed25519.pub", "known_hosts"])
def test_a_private_key_that_is_lost_stops_a_rebuild_that_would_make_another(
    session: Session, pcs: Pcs, refused: Refused, left: str
) -> None:
    remove_vm(pcs, "bootstrap", disks=True)
    for file in (session.state.private_key, session.state.public_key, session.state.known_hosts):
        if file.name != left:
            file.unlink()
    assert "inv lab.import FILE" in refused(RefusedError, "id_ed25519 is gone")


def data_disk(pcs: Pcs) -> None:
    row = next(row for row in pcs.answers["pc2"]["disks"] if row["mark"]["kind"] == "data")
    row["size_bytes"] //= 2


def two_of(pcs: Pcs) -> None:
    pcs.answers["pc2"]["vms"].append({**pcs.vm("w2"), "id": "copy", "name": "copy of w2"})


OBSTACLES: dict[str, Callable[[Pcs], object]] = {
    "storage1 .*its data disk has": data_disk,
    "bootstrap .*must be off for: memory_mb": lambda pcs: pcs.vm("bootstrap").update(memory_bytes=GB),
    "several VMs carry the mark of w2": two_of,
    "w3 .*generation 1": lambda pcs: pcs.vm("w3").update(generation=1),
    "cp1: checkpoints are there": lambda pcs: pcs.vm("cp1")["detail"]["checkpoints"].append(
        {"name": "before", "time": "2026-11-27T10:00:00Z", "disks": []}
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", OBSTACLES)
def test_what_creating_machines_would_refuse_stops_a_rebuild(pcs: Pcs, refused: Refused, told: str) -> None:
    OBSTACLES[told](pcs)
    refused(RefusedError, told)


def test_all_that_stops_a_rebuild_is_told_together(session: Session, pcs: Pcs) -> None:
    lose_keys(session)
    data_disk(pcs)
    with pytest.raises(RefusedError) as refusal:
        obstacles.check(session)
    assert "its data disk has" in str(refusal.value)
    assert "no key" in str(refusal.value)


def test_what_a_blank_system_disk_puts_right_stops_nothing(session: Session, pcs: Pcs) -> None:
    pcs.vm("w2").update(memory_bytes=GB)  # it runs, and is off after its reset
    row = next(row for row in pcs.answers["pc1"]["disks"] if row["mark"]["machine"] == "w1")
    row["mark"]["kind"] = "discarded"
    obstacles.check(session)
    pcs.vm("w2")["detail"]["drives"].clear()  # nothing of it is reset: there is nothing to be thrown away
    pcs.answers["pc2"]["disks"] = [row for row in pcs.answers["pc2"]["disks"] if row["mark"]["machine"] != "w2"]
    session.hosts.forget()
    with pytest.raises(RefusedError, match=r"w2 .*system disk is missing"):
        obstacles.check(session)


def test_what_the_hosts_say_comes_first(session: Session, pcs: Pcs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_session: Session) -> None:
        raise RefusedError("host pc1: no switch", "make one")

    monkeypatch.setattr(check, "check", refuse)
    lose_keys(session)
    with pytest.raises(RefusedError, match="no switch") as refusal:
        obstacles.check(session)
    assert "no key" not in str(refusal.value)


def test_machines_stop_after_those_that_use_them(
    session: Session, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "stop", lambda _session, names: list(names))
    assert lifecycle.stop(session) == ["w1", "w2", "w3", "cp1", "storage1", "bootstrap"]
    assert machines.forgotten == ["w1", "w2", "w3", "cp1", "storage1", "bootstrap"]


@pytest.mark.parametrize(
    ("lab", "order"),
    [
        (delivered("one-pc-16gb"), ["w1", "w2", "cp1", "bootstrap"]),
        (small("a worker that stores"), ["w2", "cp1", "w1", "bootstrap"]),
        (small("one node that stores"), ["cp1", "bootstrap"]),
    ],
)
def test_a_machine_with_several_roles_stops_when_nobody_uses_it_any_more(
    lab: Lab, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "stop", lambda _session, names: list(names))
    session = Session(lab)
    attach(session)
    assert lifecycle.stop(session) == order


def test_the_bootstrap_server_starts_first(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "start", lambda _session, names: list(names))
    assert lifecycle.start(session) == ["bootstrap", "cp1", "w1", "w2", "w3", "storage1"]
