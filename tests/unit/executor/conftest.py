"""The real tasks with bodies that only note that they ran, and how to run a line of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from invoke import Config, Context

from labkit.k8s import preview
from labkit.line import stages
from labkit.line.executor import LabExecutor
from labkit.project import ROOT
from tasks import ns

Run = Callable[..., list[str]]


class Tasks:
    """`ran` lists the tasks' names in order, `missing` is what probes answer, `failing` raises."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.dry: list[str] = []
        self.probed: list[str] = []
        self.missing: dict[str, str] = {}
        self.failing: dict[str, BaseException] = {}

    def body(self, name: str) -> Callable[..., None]:
        def run(c: Context, **_: str) -> None:
            (self.dry if c.config.run.dry else self.ran).append(name)
            if name in self.failing:
                raise self.failing[name]

        return run

    def stage(self, name: str) -> stages.Stage:
        """The line of the table of stages, with a look that answers from `missing`."""

        def look(_session: Any) -> str | None:
            self.probed.append(name)
            return self.missing.get(name)

        return dataclasses.replace(stages.STAGES[name], look=look)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    """Probes find everything satisfied unless a test says otherwise."""
    made = Tasks()
    for name in ns.task_names:
        monkeypatch.setattr(ns[name], "body", made.body(name))
    for name in stages.STAGES:
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

    def execute(*names: Any, dry: bool = False, dedupe: bool = True) -> list[str]:
        config = Config(overrides={"run": {"dry": dry}, "tasks": {"dedupe": dedupe}})
        config.set_runtime_path(str(ROOT / "labs" / "rehearsal.yaml"))
        config.load_runtime()
        LabExecutor(ns, config).execute(*names)
        return tasks.ran

    return execute
