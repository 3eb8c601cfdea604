"""What a person sees while machines install: a live table at a terminal, a line for each step elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from labkit.machines.estimate import Estimate
from labkit.pxe.events import STAGES

LINE_EVERY_S = 60.0  # away from a terminal, a sign of life while nothing happens
MEGABYTE = 1_000_000


@dataclass
class Row:
    """Where a machine stands; moments by this computer's own steady clock. `whole_s`: what it took, once it is done."""

    stage: str
    since: float
    begin: float
    fetched: int = 0
    whole_s: float | None = None


class Board:
    """A row for each machine; use it as a context manager."""

    def __init__(self, console: Console, machines: list[str], estimate: Estimate | None = None) -> None:
        self._console = console
        self._begin = time.monotonic()
        self._rows = {name: Row("powered", self._begin, self._begin) for name in machines}
        self._estimate = estimate or Estimate([])
        self._spoken = self._begin
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Board:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, machine: str, stage: str, detail: str = "", ago_s: float = 0.0) -> None:
        """A machine reached a stage, `ago_s` seconds ago: a line that stays, with the seconds since the beginning."""
        now = time.monotonic()
        row = self._rows.setdefault(machine, Row(stage, now, now))
        row.stage, row.since = stage, now - ago_s
        row.whole_s = now - row.begin if stage in ("ssh", "failed") else None
        told = ", ".join(part for part in (escape(detail), self._facts(machine)) if part)
        place = f" [dim]({told})[/dim]" if told else ""
        self.say(f"{self.seconds:6.1f} s  {machine:<10} {stage}{place}")
        self.tick()

    def say(self, text: str) -> None:
        """Words that stay, below what was said before."""
        self._spoken = time.monotonic()
        self._console.print(f"    {text}")

    def stands(self, machine: str, stage: str) -> None:
        """A machine stands somewhere, for how long is not known: no line about it."""
        self._rows[machine].stage = stage

    def began(self, machine: str, ago_s: float) -> None:
        """A machine was armed `ago_s` seconds ago: its elapsed time counts from there."""
        self._rows[machine].begin = self._rows[machine].since = time.monotonic() - ago_s

    def begin_again(self) -> None:
        """The logs are read from their beginning again, so what was fetched is counted anew."""
        for row in self._rows.values():
            row.fetched = 0

    def fetched(self, machine: str, size: int) -> None:
        """A machine fetched that many bytes more."""
        self._rows[machine].fetched += size

    def tick(self) -> None:
        """Draw the table again; away from a terminal say now and then who is waited for."""
        if self._live:
            self._live.update(self._table(), refresh=True)
        elif time.monotonic() - self._spoken > LINE_EVERY_S:
            waiting = [(name, row.stage) for name, row in self._rows.items() if row.stage != "ssh"]
            parts = [f"{name} {stage}{self._facts(name, ' (', ')')}" for name, stage in waiting]
            self.say(f"{self.seconds:6.1f} s  waiting: {', '.join(parts)}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def _facts(self, machine: str, before: str = "", after: str = "") -> str:
        """What else is known of a machine on its way, within a line; '' when nothing is."""
        fetched, left = self._fetched(machine), self._left(machine)
        parts = [f"{fetched} fetched" if fetched else "", f"about {left} left" if left else ""]
        text = ", ".join(part for part in parts if part)
        return f"{before}{text}{after}" if text else ""

    def _fetched(self, machine: str) -> str:
        size = self._rows[machine].fetched
        return f"{size / MEGABYTE:.1f} MB" if size else ""

    def _left(self, machine: str) -> str:
        """Until SSH answers, by earlier runs; '' where they say nothing or the machine takes longer than ever."""
        row = self._rows[machine]
        known = self._estimate.left(machine, row.stage) if row.whole_s is None else None
        left = known - (time.monotonic() - row.since) if known is not None else 0
        return f"{left:.0f} s" if left >= 1 else ""

    def _table(self) -> Table:
        table = Table("machine", "stage", "for", "elapsed", "fetched", "left", box=None, padding=(0, 2))
        now = time.monotonic()
        for name, row in self._rows.items():
            number = f"{STAGES.index(row.stage) + 1}/{len(STAGES)} " if row.stage in STAGES else ""
            elapsed = row.whole_s if row.whole_s is not None else now - row.begin
            waited = f"{now - row.since:.0f} s"
            table.add_row(name, number + row.stage, waited, f"{elapsed:.0f} s", self._fetched(name), self._left(name))
        return table
