"""The plan says what would run, in the run's own order, and what is missing now."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

import tasks
from labkit.errors import ConfigError, LabError, UnreachableError
from labkit.lab import plan
from labkit.line import stages
from labkit.session import Session

FIRST = ["hyperv.create", "os.bootstrap", "pxe.setup"]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | LabError]:
    """What probes find: nothing, unless a test says otherwise."""
    found: dict[str, str | LabError] = {}

    def probe(stage: str) -> Callable[[Session], str | None]:
        def look(_session: Session) -> str | None:
            answer = found.get(stage)
            if isinstance(answer, LabError):
                raise answer
            return answer

        return look

    for name in stages.STAGES:
        monkeypatch.setitem(stages.STAGES, name, dataclasses.replace(stages.STAGES[name], look=probe(name)))
    return found


def states(session: Session, task: str) -> dict[str, str]:
    return {row.name: row.state for row in plan.rows(session, tasks.ns[task])}


def test_a_built_lab_is_satisfied_throughout(session: Session, missing: dict[str, str | LabError]) -> None:
    found = states(session, "lab.up")
    assert {found[stage] for stage in stages.STAGES} == {"satisfied"}
    assert found["verify.all"] == ""


def test_what_is_missing_is_said_of_each_stage(session: Session, missing: dict[str, str | LabError]) -> None:
    missing["os.bootstrap"] = "bootstrap has no key"
    found = states(session, "lab.up")
    assert [found[stage] for stage in FIRST] == ["satisfied", "bootstrap has no key", "satisfied"]


def test_behind_what_does_not_answer_nothing_is_guessed(session: Session, missing: dict[str, str | LabError]) -> None:
    missing["os.bootstrap"] = UnreachableError("bootstrap does not answer")
    found = states(session, "lab.up")
    shown = ["satisfied", "bootstrap does not answer", "known when that above is done"]
    assert [found[stage] for stage in FIRST] == shown


def test_each_task_is_planned_once_with_its_summary(session: Session, missing: dict[str, str | LabError]) -> None:
    rows = plan.rows(session, tasks.ns["lab.rebuild"])
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    assert all(row.summary.endswith(".") for row in rows)


def test_a_task_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="there is no task"):
        plan.find(tasks.ns, "lab.upp")


@pytest.mark.parametrize("stage", sorted(stages.STAGES))
def test_a_probe_leads_to_a_function_of_the_library(
    session: Session, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Where hosts and machines cannot be reached, each probe says so instead of breaking."""
    monkeypatch.setenv("LAB_PASSWORD", "x")

    def unreachable(*_: object, **__: object) -> None:
        raise UnreachableError(["nothing answers", "nor there"])

    monkeypatch.setattr("socket.socket.connect", unreachable)
    monkeypatch.setattr("labkit.hyperv.hosts.Hosts.survey", unreachable)
    answer = stages.missing(session, stage)
    assert answer
    assert "\n" not in answer
