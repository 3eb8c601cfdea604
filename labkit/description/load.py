"""Read one lab from one file, or say everything that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labkit.description import patches, rest, rules, settings
from labkit.description.lab import Lab, derive
from labkit.description.messages import problem
from labkit.description.models import LabModel
from labkit.description.source import KeyPath, Problem, Source, read
from labkit.errors import ConfigError


def load_lab(file: Path) -> Lab:
    """The lab described under `lab:` in `file`, complete and frozen.

    Raises ConfigError that lists every problem with line, key, value and fix; nothing is contacted.
    """
    source = read(file)
    below = (source.data or {}).get("lab")
    if not isinstance(below, dict):
        found = "there is no `lab:` section" if below is None else f"lab: a mapping is expected, not {below!r}"
        raise ConfigError(
            f"{source.shown}:{source.line(('lab',))}: {found}", "begin from invoke.yaml, the commented description"
        )
    below = _with_id_as_written(below, source)
    model, shapes = _model(below)
    problems = [*shapes, *rest.problems(below, [found.path for found in shapes])] if model is None else []
    if model is not None:
        problems = [*rules.check(model), *patches.problems(model, file.parent)]
    problems = [*source.problems, *(Problem(("lab", *found.path), found.message, found.fix) for found in problems)]
    if problems or model is None:
        raise _refusal(source, problems)
    own = settings.load()
    if own and own.problems:
        raise _refusal(own, own.problems)
    return derive(model, file.resolve())


def _with_id_as_written(below: dict[str, Any], source: Source) -> dict[str, Any]:
    """YAML takes an id such as 1234 or 0042 for a number; the text that was typed is what counts."""
    text = source.texts.get(("lab", "id"))
    if below.get("id") is not None and text is not None:
        return {**below, "id": text}
    return {key: value for key, value in below.items() if key != "id" or value is not None}


def _model(below: dict[str, Any]) -> tuple[LabModel | None, list[Problem]]:
    """The model, or what is wrong with single values: one problem a key, the one that helps most."""
    try:
        return LabModel.model_validate(below), []
    except ValidationError as error:
        found: dict[KeyPath, list[Any]] = {}
        for detail in error.errors():
            found.setdefault(_path(detail["loc"], below), []).append(detail)
    deepest = [path for path in found if not any(other != path and other[: len(path)] == path for other in found)]
    return None, [problem(path, found[path]) for path in deepest]


def _path(place: tuple[str | int, ...], below: Any) -> KeyPath:
    """Pydantic's place without what is not in the file: the branch of a union that it tried, or `[key]`."""
    path: list[str | int] = []
    here = below
    for index, part in enumerate(place):
        known: Any = here if isinstance(here, dict) else dict(enumerate(here)) if isinstance(here, list) else {}
        if part in known:
            here = known[part]
            path.append(part)
        elif isinstance(here, dict) and index == len(place) - 1 and part != "[key]":
            path.append(part)  # a key that is missing
    return tuple(path)


def _refusal(source: Source, problems: list[Problem]) -> ConfigError:
    unique = dict.fromkeys((source.line(p.path), ".".join(map(str, p.path)), p.message, p.fix) for p in problems)
    rows = sorted(unique, key=lambda row: row[0])
    lines = [f"  {source.shown}:{line}: {key}: {message} -> {fix}" for line, key, message, fix in rows]
    count = f"{len(lines)} problem{'s' if len(lines) != 1 else ''}"
    return ConfigError(
        "\n".join([f"{count} in {source.shown}; nothing was contacted or changed", *lines]),
        f"correct {source.shown} and repeat the command",
    )
