"""What a task would run, in order, and what the stages still lack. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invoke import Collection
from invoke.executor import Executor
from invoke.tasks import Call

from labkit.errors import ConfigError, LabError, together
from labkit.line import kinds, stages
from labkit.session import Session


@dataclass(frozen=True)
class Row:
    """One task of the plan; `state` says what its stage lacks, or that it is satisfied."""

    name: str
    summary: str
    state: str


def find(tasks: Collection, name: str) -> Any:
    """The task of that name; ConfigError when there is none."""
    try:
        return tasks[name]
    except KeyError:
        raise ConfigError(f"there is no task {name}", "`inv --list` names them all") from None


def calls(task: Any) -> list[Any]:
    """The calls that `task` expands to, by Invoke's own rules, so that the plan and the run cannot differ."""
    executor = Executor(Collection())
    expanded: list[Any] = executor.dedupe(executor.expand_calls([Call(task)]))
    return expanded


def rows(session: Session, task: Any) -> list[Row]:
    """Each task of the plan with what it lacks. Looking ends at the first stage that cannot be looked at."""
    looking, found = True, []
    for call in calls(task):
        name, state = kinds.typed_name(call), ""
        if name in stages.STAGES and looking:
            state, looking = _state(session, name)
        elif name in stages.STAGES:
            state = "known when that above is done"
        found.append(Row(name, str(call.task.__doc__).strip().splitlines()[0], state))
    return found


def _state(session: Session, stage: str) -> tuple[str, bool]:
    """What `stage` lacks, and whether those after it can be looked at: what does not answer here does not there."""
    try:
        lacking = stages.STAGES[stage].look(session)
    except LabError as error:
        return error.problem, False
    return lacking or "satisfied", True


def show(session: Session, task: Any) -> None:
    """Print the plan of `task`, then what would change on the hosts; raise the errors of those that do not answer."""
    from rich.table import Table

    table = Table(title=f"inv {kinds.typed_name(task)}: {session.lab.name}", title_justify="left", box=None)
    for heading in ("", "task", "what it does", "now"):
        table.add_column(heading)
    for number, row in enumerate(rows(session, task), start=1):
        table.add_row(str(number), row.name, row.summary, row.state)
    session.output.print(table)
    _show_hosts(session)


def _show_hosts(session: Session) -> None:
    """What would change on the hosts, when they all answer, and what is wrong with them; then raise what is silent."""
    from labkit.hyperv import check, display, drift
    from labkit.lab import downloads

    facts, errors = session.hosts.survey()
    if not errors and all(here.answers for here in facts.values()):
        session.output.print(display.plan_table(session.lab, drift.plan(session.lab, facts)))
    for one in downloads.expected(session.lab, facts):
        session.output.print(f"to be fetched: {one}", markup=False, soft_wrap=True)
    for finding in check.problems(session.lab, facts):
        session.console.print(str(finding), markup=False)
    if errors:
        raise together(errors)
