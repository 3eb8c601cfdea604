"""What a person sees: lines elsewhere, a table at a terminal, both in words of the stages."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from labkit.machines import board, diagnosis
from labkit.machines.board import Board
from labkit.machines.estimate import Estimate, spans
from labkit.pxe.events import STAGES, Event, Timeline


@pytest.fixture
def text() -> io.StringIO:
    """What was printed."""
    return io.StringIO()


def lines(text: io.StringIO) -> list[str]:
    """Without the seconds."""
    return [line.split("s  ", 1)[1].strip() for line in text.getvalue().splitlines()]


def test_away_from_a_terminal_each_step_is_a_line_and_what_a_machine_says_is_no_markup(text: io.StringIO) -> None:
    with Board(Console(file=text, width=100), ["cp1", "w1"]) as shown:
        shown.show("cp1", "kernel")
        shown.show("w1", "failed", "[/dim] no [disk] fits")
        shown.tick()
    assert lines(text) == ["cp1        kernel", "w1         failed ([/dim] no [disk] fits)"]


def test_away_from_a_terminal_a_long_silence_says_who_is_waited_for(text: io.StringIO) -> None:
    with Board(Console(file=text, width=100), ["cp1", "w1"]) as shown:
        shown.show("cp1", "ssh")
        shown._spoken -= board.LINE_EVERY_S + 1
        shown.tick()
    assert text.getvalue().splitlines()[-1].endswith("waiting: w1 powered")


def test_every_stage_that_a_machine_may_stand_at_has_a_meaning_and_each_of_an_installation_a_limit() -> None:
    assert set(diagnosis.MEANING) == set(STAGES) - {"ssh"}
    assert set(diagnosis.LIMIT_S) == set(STAGES) - {"installed", "ssh"}


def test_what_was_fetched_and_what_earlier_runs_took_stand_beside_the_stage_until_that_has_passed(
    text: io.StringIO,
) -> None:
    earlier = Estimate([{"left": {"cp1": {"kernel": 90.0}}}])
    with Board(Console(file=text, width=100), ["cp1", "w1"], earlier) as shown:
        shown.fetched("cp1", 13_000_000)
        shown.show("cp1", "kernel")
        shown.show("cp1", "kernel", ago_s=91.0)
        shown.show("cp1", "ssh")
    assert lines(text) == [
        "cp1        kernel (13.0 MB fetched, about 90 s left)",
        "cp1        kernel (13.0 MB fetched)",
        "cp1        ssh (13.0 MB fetched)",
    ]


def test_at_a_terminal_a_table_shows_elapsed_time_from_arming_bytes_and_what_is_left(text: io.StringIO) -> None:
    console = Console(file=text, width=100, force_terminal=True)
    with Board(console, ["cp1"], Estimate([{"left": {"cp1": {"kernel": 90.4}}}])) as shown:
        shown.began("cp1", 200.0)
        shown.fetched("cp1", 2_500_000)
        shown.show("cp1", "kernel", ago_s=30.0)
    last = [line for line in text.getvalue().splitlines() if "4/8 kernel" in line][-1]
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).split() == (
        ["cp1", "4/8", "kernel", "30", "s", "200", "s", "2.5", "MB", "60", "s"]
    )


def test_an_estimate_is_the_median_of_the_machines_own_runs_and_else_of_all() -> None:
    runs = ({"cp1": 100.0, "w1": 10.0}, {"cp1": 200.0}, {"cp1": 130.0})
    rows = [{"event": "times", "left": {name: {"kernel": took} for name, took in run.items()}} for run in runs]
    earlier = Estimate([*rows, {"event": "end"}])
    assert earlier.left("cp1", "kernel") == 130.0
    assert earlier.left("w9", "kernel") == 115.0
    assert earlier.left("cp1", "loader") is None


def test_spans_run_from_each_stage_to_the_answer() -> None:
    timeline = Timeline("cp1", armed_at=1000.0)
    timeline.add(Event("cp1", "kernel", 1030.5))
    assert spans(timeline, 1100.0) == {"powered": 100.0, "kernel": 69.5}
