"""What tests have measured: said at the end of pytest's output, whether captured or not, from whichever worker."""

from __future__ import annotations

from typing import Any

import pytest

_said: list[str] = []


def say(line: str) -> None:
    """Keep a line for the end of the output."""
    _said.append(line)


def hand_over(session: pytest.Session) -> None:
    """A worker of pytest-xdist gives its lines to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["said"] = _said


def take_over(node: Any) -> None:
    """Add what a worker that has ended gave."""
    _said.extend(getattr(node, "workeroutput", {}).get("said", ()))


def write(reporter: pytest.TerminalReporter) -> None:
    """Print the lines under a heading of their own."""
    if _said:
        reporter.section("measured")
        for line in dict.fromkeys(_said):  # several workers may say the same
            reporter.write_line(line)
