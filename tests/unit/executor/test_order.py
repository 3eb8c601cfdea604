"""Which tasks of a line run, in which order, and which only look."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import RefusedError
from labkit.line import stages
from tests.unit.executor.conftest import Run, Tasks

BUILD = [
    "hyperv.check", "hyperv.create", "os.bootstrap", "pxe.setup", "pxe.publish", "os.install", "k8s.bootstrap",
    "k8s.prepare", "k8s.control-plane", "k8s.cni", "k8s.join", "k8s.load-balancer", "nfs.server", "nfs.storage",
]  # fmt: skip
REBUILD = ["lab.check", "lab.discard", *BUILD, "k8s.all", "lab.rebuild", "verify.all"]


def test_a_satisfied_prerequisite_is_only_probed(tasks: Tasks, run: Run) -> None:
    assert run("pxe.setup") == ["hyperv.check", "pxe.setup"]
    assert tasks.probed == ["hyperv.create", "os.bootstrap"]


def test_joining_after_a_vm_was_deleted_walks_the_stages_that_miss_it(tasks: Tasks, run: Run) -> None:
    tasks.missing = dict.fromkeys(("hyperv.create", "os.install", "k8s.prepare"), "w1 is missing")
    assert run("k8s.join") == ["hyperv.check", "hyperv.create", "os.install", "k8s.prepare", "k8s.join"]


def test_a_named_stage_does_its_whole_work_also_where_it_is_a_prerequisite_of_an_earlier_one(
    tasks: Tasks, run: Run
) -> None:
    assert run("os.bootstrap", "hyperv.create") == ["hyperv.check", "hyperv.create", "os.bootstrap"]
    assert tasks.probed == []


@pytest.mark.parametrize("stage", sorted(stages.STAGES))
def test_a_stage_that_is_named_does_its_work_whatever_its_probe_says(run: Run, stage: str) -> None:
    assert stage in run(stage)


@pytest.mark.parametrize(
    ("line", "ran"),
    [
        ("lab.up", [*BUILD, "k8s.all", "lab.up", "verify.all"]),
        ("lab.rebuild", REBUILD),
        ("hyperv.create pxe.setup k8s.all", [*BUILD, "k8s.all"]),  # the three steps of the manual
        ("k8s.all nfs.all verify.all", [*BUILD, "k8s.all", "nfs.all", "verify.all"]),
        ("nfs.all", [*BUILD[:8], "nfs.server", *BUILD[8:11], "nfs.storage", "nfs.all"]),
    ],
)
def test_every_stage_below_an_umbrella_does_its_whole_work_once(
    tasks: Tasks, run: Run, line: str, ran: list[str]
) -> None:
    assert run(*line.split()) == ran
    assert tasks.probed == []


def test_replacing_walks_the_stages_that_miss_the_machine_and_verifies(tasks: Tasks, run: Run) -> None:
    tasks.missing = dict.fromkeys(("os.install", "k8s.prepare", "k8s.join"), "w2 is missing")
    walk = ["hyperv.check", "os.install", "k8s.prepare", "k8s.join", "verify.nodes"]
    assert run("k8s.replace") == ["k8s.replace", *walk]


def test_adding_walks_every_stage_that_another_description_is_news_to(tasks: Tasks, run: Run) -> None:
    walk = [stage for stage in BUILD if stage != "k8s.control-plane"]
    tasks.missing = dict.fromkeys(walk, "it does not know w4")
    assert run("k8s.add") == ["k8s.add", *walk, "verify.nodes"]


def test_without_dedupe_every_occurrence_runs_or_looks_again(tasks: Tasks, run: Run) -> None:
    ran = run("os.bootstrap", "pxe.setup", dedupe=False)
    assert ran == ["hyperv.check", "os.bootstrap", "hyperv.check", "os.bootstrap", "pxe.setup"]
    assert tasks.probed == ["hyperv.create", "hyperv.create"]


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("verify.all lab.up", "k8s.all lab.up verify.all"),
        ("k8s.all verify.nodes nfs.all", "k8s.all nfs.all verify.nodes"),
    ],
    ids=["asked for first", "between two changes"],
)
def test_verification_runs_after_the_last_change(run: Run, line: str, end: str) -> None:
    assert run(*line.split()) == BUILD + end.split()


def test_verification_is_not_dropped_without_dedupe_either(run: Run) -> None:
    assert run("verify.all", "lab.up", dedupe=False)[-3:] == ["lab.up", "verify.all", "verify.all"]


@pytest.mark.parametrize("line", ["verify.all lab.status verify.nodes", "verify.status hyperv.check hyperv.create"])
def test_a_line_that_changes_nothing_or_verifies_nothing_keeps_its_order(run: Run, line: str) -> None:
    assert run(*line.split()) == line.split()


@pytest.mark.parametrize("collection", ["lab", "hyperv", "pxe", "os", "k8s", "nfs", "verify"])
def test_a_collections_name_alone_shows_its_status(run: Run, collection: str) -> None:
    assert run(collection) == [f"{collection}.status"]


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


def test_a_dry_line_runs_only_what_reads_and_destroyers_see_that_it_is_dry(
    tasks: Tasks, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("lab.rebuild", dry=True) == []
    assert tasks.dry == ["lab.check", "lab.discard", "hyperv.check"]
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]] == REBUILD
    tasks.dry.clear()
    assert run("k8s.replace", dry=True) == []
    assert tasks.dry == ["k8s.replace", "hyperv.check"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lab.up", list(stages.PLAYBOOKS)),
        ("k8s.control-plane", ["k8s.bootstrap", "k8s.prepare", "k8s.control-plane"]),
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
