"""Which file describes the lab, and its YAML with line numbers.

Invoke reads the same files for its own settings, but merges `-f` into the project's file, drops duplicate keys
and ignores a missing file; so the lab's file is read here again, alone and strictly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labkit.errors import ConfigError

PROJECT_FILE = "invoke.yaml"

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing wrong in the file: the key's path below `lab`, what is wrong, and how to put it right."""

    path: KeyPath
    message: str
    fix: str


@dataclass
class Source:
    """A parsed file: its plain data, and for each path the line (from 1) and the scalar as it was written."""

    file: Path
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of its nearest written ancestor."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(file: Path) -> Source:
    """Parse `file`. Duplicate keys are collected as problems; a missing or unreadable file or broken YAML raises ConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file", "name an existing file after -f, or leave -f out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}", "make it a readable UTF-8 file") from None
    source = Source(file)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _walk(node, (), source)
            source.data = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_message(file, error), "correct the YAML at that line") from None
    finally:
        loader.dispose()
    if node is not None and not isinstance(source.data, dict):
        raise ConfigError(f"{file}:1: a mapping is expected, not {type(source.data).__name__}", "begin with a key, such as `lab:`")
    return source


def _walk(node: yaml.Node, path: KeyPath, source: Source) -> None:
    """Record lines and scalar texts below `node`, and every key written twice in one mapping."""
    source.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        source.texts[path] = node.value
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), source)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                message = f"the key {name!r} stands twice here (first on line {seen[name]})"
                source.lines[(*path, name)] = line
                source.problems.append(Problem((*path, name), message, "keep one of the two"))
                continue
            seen[name] = line
            source.lines[(*path, name)] = line
            _walk(child, (*path, name), source)


def _yaml_message(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    return f"{file}:{mark.line + 1 if mark else 1}: not valid YAML: {what}"


def named_on_command_line(argv: Sequence[str]) -> Path | None:
    """The file given with `-f` / `--config`, which Invoke's core options take before the first task."""
    words = iter(argv)
    for word in words:
        if word in ("-f", "--config"):
            return _path(words)
        if word.startswith("--config="):
            return Path(word.partition("=")[2])
        if word.startswith("-f") and not word.startswith("--"):
            return Path(word[2:].removeprefix("="))
    return None


def _path(words: Iterator[str]) -> Path | None:
    name = next(words, None)
    return Path(name) if name else None


def refuse_broken_files(project: Path, argv: Sequence[str]) -> None:
    """Stop before Invoke reads files that would end it in a traceback.

    Called while the tasks are imported, which is before Invoke reads either file: broken YAML, a missing `-f` file, and
    a value in the `-f` file whose shape (mapping or not) contradicts the project's, each raise ConfigError.
    """
    base = read(project / PROJECT_FILE) if (project / PROJECT_FILE).exists() else Source(project)
    given = named_on_command_line(argv)
    if given is None:
        return
    extra = read(given)
    for path in _contradictions(base.data or {}, extra.data or {}):
        name = ".".join(map(str, path))
        raise ConfigError(
            f"{given}:{extra.line(path)}: {name}: a mapping in one file and not in {PROJECT_FILE}",
            f"give {name} the same shape as in {PROJECT_FILE}",
        )


def _contradictions(base: dict[Any, Any], extra: dict[Any, Any], path: KeyPath = ()) -> Iterator[KeyPath]:
    for key in base.keys() & extra.keys():
        left, right = base[key], extra[key]
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _contradictions(left, right, (*path, key))
        elif left is not None and right is not None and isinstance(left, dict) != isinstance(right, dict):
            yield (*path, key)
