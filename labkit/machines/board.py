"""What a person sees while machines install: a live table at a terminal, a line for each step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from labkit.pxe.events import STAGES

LINE_EVERY_S = 60.0  # away from a terminal, a sign of life while nothing happens


class Board:
    """Rows of machine, stage and seconds; use it as a context manager."""

    def __init__(self, console: Console, machines: list[str]) -> None:
        self._console = console
        self._begin = time.monotonic()
        self._rows = dict.fromkeys(machines, ("powered", self._begin))
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

    def show(self, machine: str, stage: str, detail: str = "") -> None:
        """A machine reached a stage: a line that stays, with the seconds since the beginning."""
        self._rows[machine] = (stage, time.monotonic())
        self._spoken = time.monotonic()
        place = f" [dim]({detail})[/dim]" if detail else ""
        self._console.print(f"    {self.seconds:6.1f} s  {machine:<10} {stage}{place}")
        self.tick()

    def tick(self) -> None:
        """Draw the table again; away from a terminal say now and then who is waited for."""
        if self._live:
            self._live.update(self._table(), refresh=True)
        elif time.monotonic() - self._spoken > LINE_EVERY_S:
            self._spoken = time.monotonic()
            waiting = ", ".join(f"{name} {stage}" for name, (stage, _) in self._rows.items() if stage != "ssh")
            self._console.print(f"    {self.seconds:6.1f} s  waiting: {waiting}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def _table(self) -> Table:
        table = Table("machine", "stage", "for", box=None, padding=(0, 2))
        for name, (stage, since) in self._rows.items():
            number = f"{STAGES.index(stage) + 1}/{len(STAGES)} " if stage in STAGES else ""
            table.add_row(name, number + stage, f"{time.monotonic() - since:.0f} s")
        return table
