"""What a person sees: lines elsewhere, a table at a terminal, both in words of the stages."""

from __future__ import annotations

import io

from rich.console import Console

from labkit.machines import board, stages
from labkit.machines.board import Board
from labkit.pxe.events import STAGES


def test_away_from_a_terminal_each_step_is_a_line(monkeypatch: object) -> None:
    text = io.StringIO()
    with Board(Console(file=text, width=100), ["cp1", "w1"]) as shown:
        shown.show("cp1", "kernel")
        shown.show("w1", "failed", "no disk fits")
        shown.tick()
    lines = [line.split("s  ", 1)[1].strip() for line in text.getvalue().splitlines()]
    assert lines == ["cp1        kernel", "w1         failed (no disk fits)"]


def test_away_from_a_terminal_a_long_silence_says_who_is_waited_for() -> None:
    text = io.StringIO()
    with Board(Console(file=text, width=100), ["cp1", "w1"]) as shown:
        shown.show("cp1", "ssh")
        shown._spoken -= board.LINE_EVERY_S + 1
        shown.tick()
    assert text.getvalue().splitlines()[-1].endswith("waiting: w1 powered")


def test_at_a_terminal_the_steps_stay_and_the_table_goes() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True)
    with Board(console, ["cp1"]) as shown:
        shown.show("cp1", "kernel")
    assert "4/8 kernel" in text.getvalue()


def test_every_stage_that_a_machine_may_stand_at_has_a_meaning() -> None:
    assert set(stages.MEANING) == set(STAGES) - {"ssh"}
