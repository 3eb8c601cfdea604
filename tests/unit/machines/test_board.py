"""What a person sees: lines elsewhere, a table at a terminal, both in words of the stages."""

from __future__ import annotations

import io
import re

from rich.console import Console

from labkit.machines import board, diagnosis
from labkit.machines.board import Board
from labkit.machines.estimate import Estimate, spans
from labkit.pxe.events import STAGES, Event, Timeline


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
    assert set(diagnosis.MEANING) == set(STAGES) - {"ssh"}


def test_every_stage_of_an_installation_has_a_limit() -> None:
    assert set(diagnosis.LIMIT_S) == set(STAGES) - {"installed", "ssh"}


def test_what_was_fetched_and_what_earlier_runs_took_stand_beside_the_stage() -> None:
    text = io.StringIO()
    earlier = Estimate([{"left": {"cp1": {"kernel": 90.0}}}])
    with Board(Console(file=text, width=100), ["cp1", "w1"], earlier) as shown:
        shown.fetched("cp1", 13_000_000)
        shown.show("cp1", "kernel")
        shown.show("cp1", "ssh")
    lines = [line.split("s  ", 1)[1].strip() for line in text.getvalue().splitlines()]
    assert lines == ["cp1        kernel (13.0 MB fetched, about 90 s left)", "cp1        ssh (13.0 MB fetched)"]


def test_the_table_shows_elapsed_time_from_arming_bytes_and_what_is_left() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True)
    with Board(console, ["cp1"], Estimate([{"left": {"cp1": {"kernel": 90.4}}}])) as shown:
        shown.began("cp1", 200.0)
        shown.fetched("cp1", 2_500_000)
        shown.show("cp1", "kernel", ago_s=30.0)
    last = [line for line in text.getvalue().splitlines() if "4/8 kernel" in line][-1]
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).split() == (
        ["cp1", "4/8", "kernel", "30", "s", "200", "s", "2.5", "MB", "60", "s"]
    )


def test_an_estimate_that_has_passed_is_not_shown() -> None:
    text = io.StringIO()
    with Board(Console(file=text, width=100), ["cp1"], Estimate([{"left": {"cp1": {"kernel": 90.0}}}])) as shown:
        shown.show("cp1", "kernel", ago_s=91.0)
    assert text.getvalue().rstrip().endswith("cp1        kernel")


def test_logs_that_are_read_again_count_bytes_once() -> None:
    text = io.StringIO()
    with Board(Console(file=text, width=100), ["cp1"]) as shown:
        shown.fetched("cp1", 5_000_000)
        shown.begin_again()
        shown.fetched("cp1", 5_000_000)
        shown.show("cp1", "kernel")
    assert "5.0 MB fetched" in text.getvalue()


def test_what_a_machine_says_is_never_taken_for_markup() -> None:
    text = io.StringIO()
    with Board(Console(file=text, width=100), ["cp1"]) as shown:
        shown.show("cp1", "failed", "[/dim] no [disk]")
    assert "([/dim] no [disk])" in text.getvalue()


def test_an_estimate_is_the_median_of_the_machines_own_runs_and_else_of_all() -> None:
    earlier = Estimate(
        [
            {"event": "times", "left": {"cp1": {"kernel": 100.0}, "w1": {"kernel": 10.0}}},
            {"event": "end"},
            {"event": "times", "left": {"cp1": {"kernel": 200.0}}},
            {"event": "times", "left": {"cp1": {"kernel": 130.0}}},
        ]
    )
    assert earlier.left("cp1", "kernel") == 130.0
    assert earlier.left("w9", "kernel") == 115.0
    assert earlier.left("cp1", "loader") is None


def test_spans_run_from_each_stage_to_the_answer() -> None:
    timeline = Timeline("cp1", armed_at=1000.0)
    timeline.add(Event("cp1", "kernel", 1030.5))
    assert spans(timeline, 1100.0) == {"powered": 100.0, "kernel": 69.5}
