"""The arithmetic of a rolling update: how many replicas the new and the old ReplicaSets should have next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Counts:
    """One ReplicaSet in numbers: wanted and available replicas."""

    wanted: int
    available: int


def bounds(desired: int, strategy: dict[str, Any]) -> tuple[int, int]:
    """How many pods above `desired` may exist, and how many below it may be unavailable."""
    rolling = strategy.get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), desired, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), desired, math.floor)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, desired)


def _share(value: Any, total: int, rounding: Any) -> int:
    if isinstance(value, str):
        return int(rounding(int(value.rstrip("%")) * total / 100))
    return int(value)


def next_new(desired: int, surge: int, new: Counts, old: list[Counts]) -> int:
    """The new ReplicaSet's size: it grows as far as the surge lets it."""
    room = desired + surge - sum(one.wanted for one in old)
    return min(desired, max(new.wanted, room)) if new.wanted <= desired else desired


def next_old(desired: int, unavailable: int, new: Counts, old: list[Counts]) -> list[int]:
    """The old ReplicaSets' sizes: broken replicas go first, others only as far as enough stay available."""
    lowest = desired - unavailable
    total = new.wanted + sum(one.wanted for one in old)
    spare = max(0, total - lowest - (new.wanted - new.available))
    sizes = [one.wanted for one in old]
    for number, one in enumerate(old):
        cut = min(max(0, one.wanted - one.available), spare)
        sizes[number] -= cut
        spare -= cut
    removable = max(0, new.available + sum(one.available for one in old) - lowest)
    for number, one in enumerate(old):
        cut = min(sizes[number], removable, one.available, spare)
        sizes[number] -= cut
        removable -= cut
        spare -= cut
    return sizes
