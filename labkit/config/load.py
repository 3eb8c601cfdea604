"""Read one lab from one file, or say everything that is wrong with it at once."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from labkit.config import rules
from labkit.config.models import LabModel
from labkit.config.source import KeyPath, Problem, Source, read
from labkit.errors import ConfigError
from labkit.lab import Lab, derive

MISSING = "missing"


def load_lab(file: Path) -> Lab:
    """The lab described under `lab:` in `file`, complete and frozen.

    Raises ConfigError that lists every problem with line, key, value and fix; nothing is contacted.
    """
    source = read(file)
    data = source.data or {}
    if "lab" not in data:
        raise ConfigError(f"{file}: there is no `lab:` section", "begin from invoke.yaml, the commented description")
    below, problems = data["lab"], list(source.problems)
    if not isinstance(below, dict):
        problems.append(Problem(("lab",), f"a mapping is expected, not {below!r}", "write the lab's keys below `lab:`"))
        raise _refusal(source, problems)
    model = _model(_with_id_as_written(below, source), source, problems)
    if model is not None:
        problems += [Problem(("lab", *problem.path), problem.message, problem.fix) for problem in rules.check(model)]
    if problems or model is None:
        raise _refusal(source, problems)
    return derive(model, file.resolve())


def _with_id_as_written(below: dict[str, Any], source: Source) -> dict[str, Any]:
    """YAML takes an id such as 1234 or 0042 for a number; the text that was typed is what counts."""
    text = source.texts.get(("lab", "id"))
    if below.get("id") is not None and text is not None:
        return {**below, "id": text}
    return {key: value for key, value in below.items() if key != "id" or value is not None}


def _model(below: dict[str, Any], source: Source, problems: list[Problem]) -> LabModel | None:
    try:
        return LabModel.model_validate(below)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors()]
        return None


def _problem(detail: ErrorDetails) -> Problem:
    path: KeyPath = ("lab", *(part for part in detail["loc"] if not _is_union_branch(part)))
    kind, key = detail["type"], detail["loc"][-1] if detail["loc"] else "lab"
    if path == ("lab", "id"):
        if kind == MISSING:
            return Problem(path, "every lab needs an id of its own; there is none yet", f"write id: '{secrets.token_hex(2)}' (made at random just now)")
        return Problem(path, f"{detail['input']!r}: four hex digits are expected", f"for instance id: '{secrets.token_hex(2)}'")
    if kind == MISSING:
        return Problem(path, "this key is missing", f"add {key}; invoke.yaml shows an example")
    if kind == "extra_forbidden":
        return Problem(path, "there is no such key", "correct the spelling, or remove it; invoke.yaml names every key")
    message = detail["msg"].removeprefix("Value error, ")
    return Problem(path, f"{detail['input']!r}: {message}", "correct the value")


def _is_union_branch(part: str | int) -> bool:
    """Pydantic adds the branch of a union it tried to the path (`literal['auto']`, `constrained-int`)."""
    return isinstance(part, str) and (part in ("constrained-int", "int", "IPv4Network", "ipv4network") or "[" in part)


def _refusal(source: Source, problems: list[Problem]) -> ConfigError:
    unique = dict.fromkeys((source.line(p.path), ".".join(map(str, p.path)), p.message, p.fix) for p in problems)
    rows = [f"  {source.file}:{line}: {key}: {message} -> {fix}" for line, key, message, fix in sorted(unique, key=lambda row: row[0])]
    count = f"{len(rows)} problem{'s' if len(rows) != 1 else ''}"
    return ConfigError("\n".join([f"{count} in {source.file}; nothing was contacted or changed", *rows]), f"correct {source.file.name} and repeat the command")
