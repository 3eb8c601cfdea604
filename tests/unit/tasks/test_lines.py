"""Lines of the real tasks, run by the real executor; only the tasks' bodies are replaced by a note that they ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invoke import Config

import tasks
from labkit.line import stages
from labkit.line.executor import LabExecutor

ROOT = Path(__file__).resolve().parents[3]
BUILD = [
    "hyperv.check", "hyperv.create", "os.bootstrap", "pxe.setup", "pxe.publish", "os.install", "k8s.bootstrap",
    "k8s.prepare", "k8s.control-plane", "k8s.cni", "k8s.join", "k8s.load-balancer", "nfs.server", "nfs.storage",
]  # fmt: skip
Run = Callable[..., list[str]]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The stages whose probe finds something missing; the others are satisfied."""
    missing: set[str] = set()

    def probe(name: str) -> Callable[[Any], str | None]:
        return lambda _session: "something is missing" if name in missing else None

    for name in stages.STAGES:
        monkeypatch.setitem(stages.STAGES, name, dataclasses.replace(stages.STAGES[name], look=probe(name)))
    return missing


@pytest.fixture
def run(lacking: set[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Execute a line and return the tasks that ran, in order."""
    ran: list[str] = []
    for name in tasks.ns.task_names:
        monkeypatch.setattr(tasks.ns[name], "body", lambda _context, name=name: ran.append(name))

    def execute(*line: str, dry: bool = False) -> list[str]:
        config = Config(overrides={"run": {"dry": dry}})
        config.set_runtime_path(str(ROOT / "labs" / "rehearsal.yaml"))
        LabExecutor(tasks.ns, config).execute(*line)
        return ran

    return execute


def test_lab_up_does_the_whole_work_of_every_stage_and_verifies(run: Run) -> None:
    assert run("lab.up") == [*BUILD, "k8s.all", "lab.up", "verify.all"]


def test_lab_rebuild_checks_discards_builds_and_verifies(run: Run) -> None:
    assert run("lab.rebuild") == ["lab.check", "lab.discard", *BUILD, "k8s.all", "lab.rebuild", "verify.all"]


def test_the_three_steps_of_the_manual_build_everything(run: Run) -> None:
    assert run("hyperv.create", "pxe.setup", "k8s.all") == [*BUILD, "k8s.all"]


def test_both_halves_and_a_verification_run_all_three(run: Run) -> None:
    assert run("k8s.all", "nfs.all", "verify.all") == [*BUILD, "k8s.all", "nfs.all", "verify.all"]


def test_a_verification_typed_first_runs_after_lab_up(run: Run) -> None:
    assert run("verify.all", "lab.up")[-2:] == ["lab.up", "verify.all"]


def test_joining_after_a_vm_was_deleted_walks_the_stages_that_miss_it(run: Run, lacking: set[str]) -> None:
    lacking |= {"hyperv.create", "os.install", "k8s.prepare"}
    assert run("k8s.join") == ["hyperv.check", "hyperv.create", "os.install", "k8s.prepare", "k8s.join"]


def test_replacing_walks_the_stages_that_miss_the_machine_and_verifies(run: Run, lacking: set[str]) -> None:
    lacking |= {"os.install", "k8s.prepare", "k8s.join"}
    walk = ["hyperv.check", "os.install", "k8s.prepare", "k8s.join", "verify.nodes"]
    assert run("k8s.replace") == ["k8s.replace", *walk]


def test_a_dry_replacing_only_shows(run: Run) -> None:
    assert run("k8s.replace", dry=True) == ["k8s.replace", "hyperv.check"]


def test_adding_walks_every_stage_that_another_description_is_news_to(run: Run, lacking: set[str]) -> None:
    lacking |= set(BUILD) - {"hyperv.check", "k8s.control-plane"}
    walk = [stage for stage in BUILD if stage != "k8s.control-plane"]
    assert run("k8s.add") == ["k8s.add", *walk, "verify.nodes"]


def test_a_dry_rebuilding_runs_the_checks_and_asks_the_destroyer(run: Run) -> None:
    assert run("lab.rebuild", dry=True) == ["lab.check", "lab.discard", "hyperv.check"]


@pytest.mark.parametrize("stage", sorted(stages.STAGES))
def test_a_stage_that_is_named_does_its_work_whatever_its_probe_says(run: Run, stage: str) -> None:
    assert stage in run(stage)


@pytest.mark.parametrize("collection", ["lab", "hyperv", "pxe", "os", "k8s", "nfs", "verify"])
def test_a_collections_name_alone_shows_its_status(run: Run, collection: str) -> None:
    assert run(collection) == [f"{collection}.status"]
