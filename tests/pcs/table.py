"""The table of PCs. Each file beside this one is a PC: what its reading scripts answer, and what is to be found there.

`about` says what it is. `base` names the file in base/ whose facts it changes; `file` and `lab` are its lab's
description and what differs there. `facts` are the answers; `findings` and `warnings` are expected, a part of what is
told and a part of the fix. Facts are merged key by key; a list replaces the base's, and as `KEY+` adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from labkit.description.lab import Lab
from labkit.hyperv.check import problems
from labkit.hyperv.findings import Finding
from labkit.hyperv.reading import host_facts
from tests.labs import described

FOLDER = Path(__file__).resolve().parent
FILES = sorted(FOLDER.glob("*.yaml"))
BASES = sorted(FOLDER.glob("base/*.yaml"))

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Pc:
    """A PC of the table, which is host pc1 of its lab."""

    name: str
    row: Row

    @cached_property
    def lab(self) -> Lab:
        return described(self.row.get("file", "invoke"), self.row.get("lab", {}))

    @property
    def answer(self) -> Row:
        """What Get-LabHost and Get-LabReadiness answer there."""
        facts: Row = self.row["facts"]
        return facts

    @cached_property
    def findings(self) -> list[Finding]:
        """What `inv hyperv.check` would say of it, at the time that a right clock shows in base/fresh.yaml."""
        now = datetime.fromisoformat(_row(FOLDER / "base" / "fresh.yaml")["facts"]["host"]["time"])
        return problems(self.lab, {"pc1": host_facts("pc1", self.lab.name, self.answer, now)})


@cache
def read(file: Path) -> Pc:
    """The PC of a file, complete."""
    return Pc(file.stem, _row(file))


def _row(file: Path) -> Row:
    row: Row = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "base" not in row:
        return row
    below = _row(FOLDER / "base" / f"{row['base']}.yaml")
    expected = {"findings": row.get("findings", {}), "warnings": row.get("warnings", {})}
    return merged(below, row) | expected  # those of the base are not its own


def merged(below: Row, above: Row) -> Row:
    """`below` with what differs in `above`."""
    result = dict(below)
    for key, value in above.items():
        if key.endswith("+"):
            result[key[:-1]] = [*below[key[:-1]], *value]
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            result[key] = merged(below[key], value)
        else:
            result[key] = value
    return result
