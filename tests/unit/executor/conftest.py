"""The fake tasks, and how to run a line of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invoke import Config

from labkit.k8s import preview
from labkit.line import stages
from labkit.line.executor import LabExecutor
from tests.unit.executor.fakes import Run, Tasks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    """Probes find everything satisfied unless a test says otherwise."""
    made = Tasks()
    made.make("hyperv.check")
    made.make("hyperv.create", pre=["hyperv.check"])
    made.make("pxe.setup", pre=["hyperv.create"])
    made.make("k8s.join", pre=["pxe.setup"])
    made.make("nfs.storage", pre=["k8s.join"])
    made.make("k8s.all", pre=["k8s.join", "nfs.storage"])
    made.make("nfs.all", pre=["nfs.storage"])
    made.make("verify.nodes")
    made.make("verify.all")
    made.make("verify.status")
    made.make("lab.status")
    made.make("lab.check")
    made.make("lab.discard", pre=["lab.check"])
    made.make("lab.up", pre=["k8s.all"], post=["verify.all"])
    made.make("lab.rebuild", pre=["lab.discard", "k8s.all"], post=["verify.all"])
    made.make("os.reinstall")
    made.make("k8s.replace", post=["k8s.join", "verify.nodes"])
    made.make("lab.stop")
    for name in ("hyperv.create", "pxe.setup", "k8s.join", "nfs.storage"):
        monkeypatch.setitem(stages.STAGES, name, made.stage(name))
    return made


@pytest.fixture
def previewed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that a dry line had shown."""
    shown: list[str] = []
    monkeypatch.setattr(preview, "show", lambda _session, names: shown.extend(names))
    return shown


@pytest.fixture
def run(tasks: Tasks, previewed: list[str]) -> Run:
    """Execute a line; returns the names that ran, in order. Keywords are Invoke's settings."""

    def execute(*names: Any, dry: bool = False, dedupe: bool = True, file: str = "labs/rehearsal.yaml") -> list[str]:
        config = Config(overrides={"run": {"dry": dry}, "tasks": {"dedupe": dedupe}})
        config.set_runtime_path(str(ROOT / file))
        config.load_runtime()
        LabExecutor(tasks.root, config).execute(*names)
        return tasks.ran

    return execute
