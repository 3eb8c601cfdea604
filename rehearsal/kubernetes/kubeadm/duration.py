"""Durations as Go writes them: 4m0s, 1h30m, 250ms."""

from __future__ import annotations

import re

SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def seconds(text: str) -> float:
    """The length in seconds. Raises ValueError for anything that Go would not parse."""
    if text in ("0", "-0"):
        return 0.0
    sign = -1 if text.startswith("-") else 1
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.lstrip("-"):
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * sum(float(number) * SECONDS[unit] for number, unit in parts)


def written(total: float) -> str:
    """Whole seconds the way Go prints them: 14400 is 4h0m0s."""
    hours, rest = divmod(int(total), 3600)
    minutes, second = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{second}s"
    return f"{minutes}m{second}s" if minutes else f"{second}s"
