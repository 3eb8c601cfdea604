"""Who looks, plans, or does not consent changes nothing: counted at the PCs' own endpoints."""

from __future__ import annotations

import shutil

import pytest

from tests.rehearsal.rehearsing import HOSTS, Rehearsal


def _disks(room: Rehearsal) -> list[str]:
    return sorted(
        drive["path"] for host in HOSTS for vm in room.host(host).read()["vms"].values() for drive in vm["drives"]
    )


def test_a_rebuild_without_consent_ends_with_5_before_anything_is_changed(room: Rehearsal) -> None:
    disks = _disks(room)
    run = room.inv("lab.rebuild")
    assert run.code == 5, run
    assert "LAB_ASSUME_YES=lab-7e57" in run.output
    assert all(f"{name}" in run.output for name in ("cp1", "w1", "w2", "w3", "storage1")), run
    assert run.calls, "the PCs were asked what there is"
    assert run.mutating == []
    assert _disks(room) == disks
    assert "Traceback" not in run.output


@pytest.mark.parametrize("words", [("lab.check",), ("lab.rebuild",), ("--dry", "lab.rebuild")])
def test_a_controller_without_the_labs_key_destroys_nothing(room: Rehearsal, words: tuple[str, ...]) -> None:
    """As on another controller that trusts the PCs: what was thrown away from there could not be installed again."""
    disks, aside = _disks(room), room.state.with_name(f"{room.state.name}.aside")
    room.state.rename(aside)
    shutil.copytree(aside / "hosts", room.state / "hosts")
    try:
        run = room.inv(*words, consent=True)
        made = [path.name for path in room.state.glob("id_ed25519*")]
    finally:
        shutil.rmtree(room.state, ignore_errors=True)
        aside.rename(room.state)
    assert run.code == 6, run
    assert f"`inv -f {room.file} lab.import FILE`" in run.output
    assert f"`inv -f {room.file} os.reinstall --machine bootstrap`" in run.output
    assert (run.mutating, made, _disks(room)) == ([], [], disks), run


@pytest.mark.parametrize("words", [("--dry", "lab.rebuild"), ("lab.plan",), ("lab.status",), ("lab.check",)])
def test_looking_changes_nothing(room: Rehearsal, words: tuple[str, ...]) -> None:
    disks = _disks(room)
    run = room.inv(*words, consent=True)
    assert run.code == 0, run
    assert run.calls, "the PCs were asked what there is"
    assert run.mutating == []
    assert _disks(room) == disks


def test_a_dry_rebuild_shows_what_would_go(room: Rehearsal) -> None:
    run = room.inv("--dry", "lab.rebuild")
    wanted = [room.disk(name) for name in ("cp1", "w2", "storage1")]
    said = "".join(run.output.split())
    assert all(path in said for path in wanted), run


def test_a_dry_stage_shows_the_difference_and_leaves_it(room: Rehearsal) -> None:
    """In /etc/hosts, which every machine has: a line of the lab's that was changed is shown for its machine alone."""
    room.on("w2", "cp -p /etc/hosts /root/hosts && sed -i 's/^.* w3$/192.0.2.250 w3/' /etc/hosts")
    run = room.inv("--dry", "k8s.prepare")
    kept = room.on("w2", "grep -c '192.0.2.250 w3' /etc/hosts; mv /root/hosts /etc/hosts")
    assert (run.code, run.mutating, run.steps) == (0, [], []), run
    (task,) = (line.strip() for line in run.output.splitlines() if "names every machine" in line)
    assert task.endswith(": w2"), run
    assert "-192.0.2.250 w3" in run.output
    assert kept.strip() == "1"


def test_a_destroyer_in_company_is_refused_before_anything_runs(room: Rehearsal) -> None:
    run = room.inv("lab.up", "lab.rebuild", consent=True)
    assert run.code == 6, run
    assert run.calls == []
    assert run.journal == []
