"""One row of proof, and how rows are shown and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from rich.table import Table

Result = Literal["ok", "failed", "not proven here"]
COLOURS: dict[Result, str] = {"ok": "green", "failed": "red", "not proven here": "yellow"}


@dataclass(frozen=True)
class Row:
    """What was looked at and what was seen. `measured` is one short line; `detail` may be the tail of a log."""

    name: str
    result: Result
    measured: str
    seconds: float = 0.0
    detail: str = ""


def passed_if(condition: bool) -> Result:
    """A row's result where there are only two."""
    return "ok" if condition else "failed"


def table(rows: Sequence[Row], title: str) -> Table:
    """The rows for a terminal."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left")
    for heading in ("check", "result", "seen"):
        shown.add_column(heading)
    shown.add_column("seconds", justify="right")
    for row in rows:
        shown.add_row(Text(row.name), Text(row.result, COLOURS[row.result]), Text(row.measured), f"{row.seconds:.1f}")
    return shown


def as_json(rows: Sequence[Row], lab: str, time: str) -> str:
    """The rows as one JSON document: {"lab", "time", "rows": [...]}."""
    return json.dumps({"lab": lab, "time": time, "rows": [asdict(row) for row in rows]}, indent=2) + "\n"


def from_json(text: str) -> tuple[str, list[Row]]:
    """When a kept verification was made, and its rows."""
    kept = json.loads(text)
    known = [field.name for field in fields(Row)]
    return kept["time"], [Row(**{name: row[name] for name in known if name in row}) for row in kept["rows"]]


def as_junit(rows: Sequence[Row], lab: str, time: str) -> str:
    """The rows as JUnit XML, which every CI reads: failed is a failure, not proven here is skipped."""
    counts = {"tests": len(rows), "failures": _count(rows, "failed"), "skipped": _count(rows, "not proven here")}
    attributes = {name: str(count) for name, count in counts.items()}
    seconds = f"{sum(row.seconds for row in rows):.2f}"
    suite = ET.Element("testsuite", {"name": f"verify {lab}", "timestamp": time, "time": seconds, **attributes})
    for row in rows:
        case = ET.SubElement(suite, "testcase", classname=lab, name=row.name, time=f"{row.seconds:.2f}")
        if row.result == "failed":
            ET.SubElement(case, "failure", message=row.measured).text = _printable(row.detail)
        elif row.result == "not proven here":
            ET.SubElement(case, "skipped", message=row.measured)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _count(rows: Sequence[Row], result: Result) -> int:
    return sum(row.result == result for row in rows)


def _printable(text: str) -> str:
    """XML 1.0 knows no control characters but these, and logs may hold any."""
    return "".join(character for character in text if character in "\t\n" or character >= " ")
