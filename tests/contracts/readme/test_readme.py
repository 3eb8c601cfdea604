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
