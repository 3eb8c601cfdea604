"""Which file describes the lab, and its YAML with line numbers.

Invoke reads the same files for its own settings, but merges `-f` into the project's file, drops duplicate keys
and ignores a missing file; so the lab's file is read here again, alone and strictly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labkit.errors import ConfigError

PROJECT_FILE = "invoke.yaml"
RUNTIME_VARIABLE = "INVOKE_RUNTIME_CONFIG"  # Invoke's other way to say -f
SUFFIXES = (".yaml", ".yml")
DEEPEST = 20  # levels; an alias that contains itself would never end

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

    @property
    def shown(self) -> str:
        """The file's name for messages."""
        return _shown(self.file)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of its nearest written ancestor."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def _shown(file: Path) -> str:
    """A file's name, relative where it lies below the working directory."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def read(file: Path) -> Source:
    """Parse `file`. Duplicate keys are collected as problems.

    A missing or unreadable file, broken YAML, and a file that is no mapping raise ConfigError.
    """
    text = _text(file)
    source = Source(file)
    try:
        source.data = _parse(text, source)
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_message(file, error), _yaml_hint(error)) from None
    if source.data is not None and not isinstance(source.data, dict):
        found = type(source.data).__name__
        raise ConfigError(f"{source.shown}:1: a mapping is expected, not {found}", "begin with a key, such as `lab:`")
    return source


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{_shown(file)}: no such file", "name an existing file after -f, or leave -f out") from None
    except UnicodeDecodeError:
        hint = "save it as UTF-8 (in Notepad under Save as, Encoding; Windows PowerShell's `>` writes UTF-16)"
        raise ConfigError(f"{_shown(file)}: is not UTF-8 text", hint) from None
    except OSError as error:
        raise ConfigError(f"{_shown(file)}: cannot be read: {error.strerror}", "make it a readable file") from None


def _parse(text: str, source: Source) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _walk(node, (), source)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: KeyPath, source: Source) -> None:
    """Record lines and scalar texts below `node`, and every key written twice in one mapping."""
    if len(path) > DEEPEST:
        message = f"{source.shown}:{node.start_mark.line + 1}: nested deeper than {DEEPEST} levels"
        raise ConfigError(message, "does an alias (*name) stand inside what it names?")
    source.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        source.texts[path] = node.value
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), source)
    elif isinstance(node, yaml.MappingNode):
        _walk_mapping(node, path, source)


def _walk_mapping(node: yaml.MappingNode, path: KeyPath, source: Source) -> None:
    seen: dict[str, int] = {}
    for key, child in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        source.lines[(*path, name)] = line
        if name in seen:
            message = f"the key {name!r} stands twice here (first on line {seen[name]})"
            source.problems.append(Problem((*path, name), message, "keep one of the two"))
        else:
            seen[name] = line
            _walk(child, (*path, name), source)


def _yaml_message(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{_shown(file)}:{mark.line + 1 if mark else 1}: not valid YAML: {what}"


def _yaml_hint(error: yaml.YAMLError) -> str:
    what = getattr(error, "problem", None) or ""
    if "escape" in what:  # as in "C:\\ISO", and of eight digits in "C:\\Users"
        return r"write Windows paths in single quotes: 'C:\ISO\rocky.iso'"
    if r"'\t'" in what:
        return "begin lines with blanks, not tabs"
    return "correct the YAML at that line"


def named_on_command_line(argv: Sequence[str]) -> Path | None:
    """The file given with `-f` / `--config`, which Invoke takes before and between the tasks."""
    words = iter(argv)
    for word in words:
        if word == "--":
            return None
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

    Called while the tasks are imported, which is before Invoke reads either file. Raises ConfigError for broken YAML, a
    missing `-f` file or one of a kind that Invoke does not know, and a mapping where another file or Invoke itself has
    a single value of that name, or the other way round: Invoke merges them and cannot.
    """
    from invoke.config import Config

    base = read(project / PROJECT_FILE) if (project / PROJECT_FILE).exists() else Source(project)
    _refuse_contradiction(base, Config.global_defaults(), "Invoke's own settings")
    variable = os.environ.get(RUNTIME_VARIABLE)
    given = named_on_command_line(argv) or (Path(variable) if variable else None)
    if given is None:
        return
    extra = read(given)
    if given.suffix not in SUFFIXES:
        raise ConfigError(f"{extra.shown}: not a name that Invoke takes after -f", "name the file *.yaml")
    _refuse_contradiction(extra, Config.global_defaults(), "Invoke's own settings")
    _refuse_contradiction(extra, base.data or {}, PROJECT_FILE)


def _refuse_contradiction(source: Source, other: dict[Any, Any], whose: str) -> None:
    for path, value in _contradictions(other, source.data or {}):
        found = "a mapping stands here, where a single value" if isinstance(value, dict) else f"{value!r}: a mapping"
        raise ConfigError(
            f"{source.shown}:{source.line(path)}: {'.'.join(map(str, path))}: {found} is expected, as in {whose}",
            f"give it the same shape as in {whose}",
        )


def _contradictions(base: dict[Any, Any], extra: dict[Any, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for key in base.keys() & extra.keys():
        left, right = base[key], extra[key]
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _contradictions(left, right, (*path, key))
        elif isinstance(left, dict) or isinstance(right, dict):
            yield (*path, key), right
