"""Which tasks of a line run, in which order, and which only look."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import RefusedError
from tests.unit.executor.fakes import Run, Tasks

STAGES = ["hyperv.check", "hyperv.create", "pxe.setup", "k8s.join", "nfs.storage"]


def test_a_satisfied_prerequisite_is_only_probed(tasks: Tasks, run: Run) -> None:
    assert run("k8s.join") == ["hyperv.check", "k8s.join"]
    assert tasks.probed == ["hyperv.create", "pxe.setup"]


def test_a_prerequisite_that_misses_something_runs(tasks: Tasks, run: Run) -> None:
    tasks.missing["pxe.setup"] = "nginx does not run"
    assert run("k8s.join") == ["hyperv.check", "pxe.setup", "k8s.join"]


def test_a_named_stage_does_its_whole_work_also_where_it_is_a_prerequisite_of_an_earlier_one(
    tasks: Tasks, run: Run
) -> None:
    assert run("pxe.setup", "hyperv.create") == ["hyperv.check", "hyperv.create", "pxe.setup"]
    assert tasks.probed == []


@pytest.mark.parametrize("umbrella", ["k8s.all", "nfs.all", "lab.up", "lab.rebuild"])
def test_every_stage_below_an_umbrella_does_its_whole_work(tasks: Tasks, run: Run, umbrella: str) -> None:
    ran = run(umbrella)
    assert [name for name in ran if name in STAGES] == STAGES
    assert tasks.probed == []


def test_a_line_of_stages_runs_each_once(run: Run) -> None:
    assert run("hyperv.create", "pxe.setup", "k8s.all") == [*STAGES, "k8s.all"]


def test_without_dedupe_every_occurrence_runs_or_looks_again(tasks: Tasks, run: Run) -> None:
    ran = run("pxe.setup", "k8s.join", dedupe=False)
    assert ran == ["hyperv.check", "pxe.setup", "hyperv.check", "pxe.setup", "k8s.join"]
    assert tasks.probed == ["hyperv.create", "hyperv.create"]


def test_verification_asked_for_first_runs_after_the_last_change(run: Run) -> None:
    ran = run("verify.all", "lab.up")
    assert ran == [*STAGES, "k8s.all", "lab.up", "verify.all"]


def test_verification_asked_for_last_is_not_dropped(run: Run) -> None:
    assert run("k8s.all", "nfs.all", "verify.all")[-2:] == ["nfs.all", "verify.all"]


def test_verification_between_two_changes_moves_behind_the_second(run: Run) -> None:
    assert run("k8s.all", "verify.nodes", "nfs.all")[-2:] == ["nfs.all", "verify.nodes"]


def test_verification_is_not_dropped_without_dedupe_either(run: Run) -> None:
    assert run("verify.all", "lab.up", dedupe=False)[-3:] == ["lab.up", "verify.all", "verify.all"]


def test_a_line_that_changes_nothing_keeps_its_order(run: Run) -> None:
    assert run("verify.all", "lab.status", "verify.nodes") == ["verify.all", "lab.status", "verify.nodes"]


def test_the_status_of_verification_is_no_verification(run: Run) -> None:
    assert run("verify.status", "hyperv.create") == ["verify.status", "hyperv.check", "hyperv.create"]


@pytest.mark.parametrize(
    "line",
    [
        ("lab.up", "lab.rebuild"),
        ("lab.rebuild", "lab.up"),
        ("lab.discard", "lab.up"),
        ("os.reinstall", "k8s.join"),
        ("k8s.replace", "k8s.join"),
        ("lab.status", "lab.rebuild"),
        ("lab.discard", "lab.discard"),
    ],
)
def test_a_destroyer_in_company_is_refused_before_anything_runs(tasks: Tasks, run: Run, line: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError) as refusal:
        run(*line)
    assert tasks.ran == []
    assert tasks.probed == []
    hint = str(refusal.value)
    assert [words.split()[-1] for words in hint.split("`")[1::2]] == list(line)
    assert hint.count("-f ") == len(line)


@pytest.mark.parametrize("destroyer", ["lab.discard", "lab.rebuild", "os.reinstall"])
def test_a_destroyer_alone_runs(run: Run, destroyer: str) -> None:
    assert destroyer in run(destroyer)


def test_a_rebuilding_discards_before_it_builds_and_verifies_at_the_end(run: Run) -> None:
    assert run("lab.rebuild") == ["lab.check", "lab.discard", *STAGES, "k8s.all", "lab.rebuild", "verify.all"]


def test_a_dry_line_runs_only_what_reads_and_destroyers_see_that_it_is_dry(
    tasks: Tasks, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("lab.rebuild", dry=True)
    assert tasks.ran == []
    assert tasks.dry == ["lab.check", "lab.discard", "hyperv.check"]
    shown = capsys.readouterr().out
    order = ["lab.check", "lab.discard", *STAGES, "k8s.all", "lab.rebuild", "verify.all"]
    assert [line.split()[1] for line in shown.splitlines()[1:]] == order


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lab.up", ["k8s.join", "nfs.storage"]),
        ("nfs.storage", ["k8s.join", "nfs.storage"]),
        ("hyperv.create", []),
        ("lab.rebuild", []),  # what it would make anew has nothing to do with what is there
        ("k8s.replace", []),
    ],
)
def test_a_dry_line_shows_what_ansible_would_change_unless_something_goes_before(
    run: Run, previewed: list[str], line: str, shown: list[str]
) -> None:
    run(line, dry=True)
    assert previewed == shown


def test_a_dry_line_takes_no_lock_and_writes_no_journal(run: Run, own_state: Path) -> None:
    run("lab.up", dry=True)
    assert not own_state.exists()
