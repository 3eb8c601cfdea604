"""How long a machine still takes, by what it took in earlier runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.pxe.events import Timeline


class Estimate:
    """Reads the journal's rows once: `left` of a row is machine -> stage -> seconds from there until SSH answered."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._left: dict[str, dict[str, list[float]]] = {}
        for row in rows:
            for machine, stages in row.get("left", {}).items():
                for stage, seconds in stages.items():
                    self._left.setdefault(machine, {}).setdefault(stage, []).append(seconds)

    def left(self, machine: str, stage: str) -> float | None:
        """Seconds from the beginning of a stage until SSH answers: the median of the machine's own runs, else of all
        machines; None when there was none yet."""
        own = self._left.get(machine, {}).get(stage)
        known = own or [seconds for stages in self._left.values() for seconds in stages.get(stage, [])]
        return statistics.median(known) if known else None


def spans(timeline: Timeline, answered_at: float) -> dict[str, float]:
    """Seconds from each stage that a machine passed until it answered by SSH; for the journal."""
    begins = {"powered": timeline.armed_at} | {stage: event.time for stage, event in timeline.events.items()}
    return {stage: round(answered_at - begin, 1) for stage, begin in begins.items()}
