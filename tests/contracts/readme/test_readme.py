"""The README says what is: its task list and exit codes are held against the code."""

import inspect
import re
from pathlib import Path

import pytest
from invoke import Collection

from labkit import errors

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def listed_tasks() -> dict[str, str]:
    block = README.split("<!-- tasks: begin")[1].split("<!-- tasks: end")[0]
    return dict(re.findall(r"^\| `([a-z0-9.-]+)` \| (.+?) \|$", block, flags=re.MULTILINE))


def real_tasks() -> dict[str, str]:
    from tasks import ns

    return {name: _summary(ns, name) for name in ns.task_names}


def _summary(ns: Collection, name: str) -> str:
    return str(ns[name].__doc__).strip().splitlines()[0]


def test_the_readme_lists_every_task_with_its_own_words() -> None:
    assert listed_tasks() == real_tasks()


@pytest.mark.parametrize(
    "error", [error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, errors.LabError)]
)
def test_the_readme_lists_every_exit_code(error: type[errors.LabError]) -> None:
    assert re.search(rf"^\| {error.exit_code} \|", README, flags=re.MULTILINE)


def test_the_korean_readme_shows_no_command_that_the_english_one_has_not() -> None:
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    indented = [line.strip() for line in korean.splitlines() if line.startswith("    ") and line.strip()]
    assert len(indented) > 20
    assert [line for line in indented if line not in README] == []
    quoted = re.findall(r"`(inv [^`]+|make [^`]+)`", korean)
    assert len(quoted) > 20
    assert [words for words in quoted if f"`{words}`" not in README] == []
