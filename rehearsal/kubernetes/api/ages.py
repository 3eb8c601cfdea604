"""How long ago something was, in kubectl's short form: 45s, 7m12s, 3h5m, 2d."""

from __future__ import annotations

from .objects import Obj, age_seconds, dig

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


def age(obj: Obj, path: str = "metadata.creationTimestamp") -> str:
    """The age of the moment at `path`; <unknown> when it is missing."""
    moment = dig(obj, path)
    return duration(age_seconds(moment)) if moment else "<unknown>"


def duration(seconds: float) -> str:
    """Stands in for k8s.io/apimachinery/pkg/util/duration.HumanDuration."""
    whole = int(seconds)
    if whole < 0:
        return "<invalid>" if whole < -1 else "0s"
    for limit, big, big_unit, small, small_unit in (
        (2 * MINUTE, 1, "s", 0, ""),
        (10 * MINUTE, MINUTE, "m", 1, "s"),
        (3 * HOUR, MINUTE, "m", 0, ""),
        (8 * HOUR, HOUR, "h", MINUTE, "m"),
        (2 * DAY, HOUR, "h", 0, ""),
        (8 * DAY, DAY, "d", HOUR, "h"),
        (2 * YEAR, DAY, "d", 0, ""),
    ):
        if whole < limit:
            rest = whole % big // small if small else 0
            return f"{whole // big}{big_unit}" + (f"{rest}{small_unit}" if rest else "")
    years, days = divmod(whole // DAY, 365)
    return f"{years}y" + (f"{days}d" if days and years < 8 else "")
