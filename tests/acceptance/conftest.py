"""What is too long for CI: `make acceptance-...`. Each target writes JUnit XML with commit and date, and is resumed.

Nothing here is collected without LAB_ACCEPTANCE, which the Makefile sets. A test that has passed is not run again on
the same commit until the whole target has passed: that is what resuming means, and the room stays up for it. A file
that says ONE_ACT has tests that look at one thing done; it is always run whole.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rehearsal.room import system
from rehearsal.room.errors import RoomError
from tests.rehearsal.rehearsing import ROOT, Rehearsal

HERE = Path(__file__).parent
collect_ignore_glob = [] if os.environ.get("LAB_ACCEPTANCE") else ["test_*.py"]


class Progress:
    """The tests of one target that have passed on this commit, in reports/NAME.progress.json."""

    def __init__(self, file: Path, commit: str) -> None:
        self._file, self._commit = file, commit

    @property
    def passed(self) -> list[str]:
        if not self._file.exists():
            return []
        kept: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return list(kept["passed"]) if kept["commit"] == self._commit else []

    def add(self, test: str) -> None:
        self._file.parent.mkdir(exist_ok=True)
        kept = {"commit": self._commit, "passed": [*self.passed, test]}
        self._file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")

    def forget(self) -> None:
        """The target is through, or begins anew: the next run is a whole one."""
        self._file.unlink(missing_ok=True)


def progress_of(item: pytest.Item) -> Progress:
    name = item.path.stem.removeprefix("test_")
    return Progress(ROOT / "reports" / f"acceptance-{name}.progress.json", commit())


def commit() -> str:
    """The commit that is tested; `+` when the checkout differs from it."""
    words = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What passed before on this commit is not run again; a target of which nothing is left begins anew."""
    mine = [item for item in items if item.path.parent == HERE]
    for item in mine:
        item.add_marker(pytest.mark.rehearsal)
    for path in {item.path for item in mine}:
        target = [item for item in mine if item.path == path]
        progress = progress_of(target[0])
        if getattr(target[0].module, "ONE_ACT", False):  # type: ignore[attr-defined]
            progress.forget()
        passed = set(progress.passed)
        for item in target:
            if item.name in passed:
                item.add_marker(pytest.mark.skip(reason="passed before on this commit; this run resumes"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what passed, so that an interrupted target goes on from there."""
    report = yield
    if item.path.parent == HERE and report.when == "call" and report.passed:
        progress_of(item).add(item.name)
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == 0:
        for item in session.items:
            if item.path.parent == HERE:
                progress_of(item).forget()


@pytest.fixture(scope="session", autouse=True)
def properties(record_testsuite_property: Any) -> None:
    """Commit and date into the JUnit XML."""
    record_testsuite_property("commit", commit())
    record_testsuite_property("date", datetime.now(UTC).isoformat(timespec="seconds"))


@pytest.fixture(scope="module")
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A room with nothing in it, or the one that an interrupted run of this target left; down when all passed."""
    try:
        system.require_debian()
    except RoomError as error:
        pytest.skip(str(error))
    rehearsal = Rehearsal(tmp_path_factory.mktemp("acceptance"))
    progress = progress_of(request.node)
    if not progress.passed:
        rehearsal.up()
    failed_before = request.session.testsfailed
    yield rehearsal
    if request.session.testsfailed == failed_before:
        rehearsal.down()
