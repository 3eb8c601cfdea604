"""What a run did and how long it took, read from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import ConfigError, as_typed
from labkit.session import Session

if TYPE_CHECKING:
    from rich.table import Table

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One stage of a run. `slowest` names the machine that took longest, where the stage told."""

    step: str
    result: str
    seconds: float
    slowest: str


def runs(rows: Rows) -> list[Rows]:
    """The journal's rows by command that changes the lab, oldest first; between them stands what only reads writes."""
    begins = [index for index, row in enumerate(rows) if row["event"] == "run"]
    found = []
    for begin, after in zip(begins, [*begins, len(rows)][1:], strict=True):
        ends = (index + 1 for index in range(begin, after) if rows[index]["event"] == "done")
        found.append(rows[begin : next(ends, after)])
    return found


def last_run(rows: Rows) -> Rows:
    """The rows of the last of them; none when nothing was run yet."""
    return next(reversed(runs(rows)), [])


def failure(rows: Rows, inv: str) -> list[str]:
    """How a run failed, in lines: exit code, problems, hints with their commands as `inv` types them; else nothing."""
    ended = rows[-1]
    if ended["event"] != "done" or not ended.get("code"):
        return []
    where = f" in {ended['task']}" if ended.get("task") else ""
    problems = (f"error: {text}" for text in ended["problems"])
    hints = (as_typed(f"hint: {text}", inv) for text in ended["hints"])
    return [f"failed{where}, exit code {ended['code']}", *problems, *hints]


def lines(rows: Rows) -> list[Line]:
    """The stages of a run in the order they ended, with what each took."""
    found = []
    for row in rows:
        if row["event"] == "probe" and row["missing"] is None:
            found.append(Line(row["step"], "satisfied", 0.0, ""))
        if row["event"] == "end":
            changed = {True: "changed", False: "no change", None: "ok"}[row.get("changed")]
            result = changed if row["result"] == "ok" else row["result"]
            found.append(Line(row["step"], result, row["seconds"], _slowest(rows, row["step"])))
    return found


def notes(rows: Rows) -> list[str]:
    """What parts said of themselves during a run: each text once, with every host or machine where it was said.

    A source is a host or machine, or one and its part: `w1: kernel`.
    """
    places: dict[str, set[str]] = {}
    for row in rows:
        if row["event"] == "note":
            place, _, part = row["source"].partition(": ")
            places.setdefault(f"{part}: {row['text']}" if part else row["text"], set()).add(place)
    return [f"{', '.join(sorted(where))}: {text}" for text, where in places.items()]


def _slowest(rows: Rows, step: str) -> str:
    times: dict[str, float] = {}
    for row in rows:
        if row["event"] == "times" and row["step"] == step:
            times.update(row["times"])
    if not times:
        return ""
    machine = max(times, key=lambda name: times[name])
    return f"{machine} {times[machine]:.1f} s"


def closing(session: Session) -> None:
    """Print what the run that ends now did: one line for each stage, the total, and the notes."""
    rows = last_run(session.journal.rows())
    if len(lines(rows)) > 1:
        session.console.print(table(rows))
    for note in notes(rows):
        session.console.print(f"note: {note}", markup=False, soft_wrap=True)


def table(rows: Rows) -> Table:
    """The stages with their seconds and their share: they run one after the other, so each is on the critical path."""
    from rich.table import Table

    stages = lines(rows)
    total = sum(line.seconds for line in stages)
    shown = Table(title=rows[0].get("command"), title_justify="left", caption=f"total {total:.1f} s")
    for heading in ("stage", "result"):
        shown.add_column(heading)
    for heading in ("seconds", "share"):
        shown.add_column(heading, justify="right")
    shown.add_column("slowest machine")
    for line in stages:
        share = f"{100 * line.seconds / total:.0f} %" if total else ""
        shown.add_row(line.step, line.result, f"{line.seconds:.1f}", share, line.slowest)
    return shown


def show(session: Session, last: str = "1") -> None:
    """Print the stages, the failure and the notes of the `last` runs to standard output, the newest below.

    Says so when nothing was run yet. Raises ConfigError when `last` is no number.
    """
    if not last.isdecimal() or int(last) == 0:
        raise ConfigError(f"--last takes a number from 1, not {last!r}", "give a number, such as --last 3")
    found = runs(session.journal.rows())[-int(last) :]
    if not found:
        begin = f"begin with `{session.inv} lab.up`"
        session.output.print(f"{session.lab.name}: nothing was run from this controller yet; {begin}", soft_wrap=True)
    for rows in found:
        _show(session, rows)


def _show(session: Session, rows: Rows) -> None:
    if lines(rows):
        session.output.print(table(rows))
    else:
        session.output.print(f"{rows[0].get('command')}: ended before its first stage", markup=False, soft_wrap=True)
    for line in (*failure(rows, session.inv), *(f"note: {note}" for note in notes(rows))):
        session.output.print(line, markup=False, soft_wrap=True)
