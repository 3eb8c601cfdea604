"""One rehearsal for all tests in this folder, made from nothing, in the order of its life; it is the last that runs.

Removes `.lab/7e57` and any room of this checkout. LAB_KEEP_ROOM=1 uses the room and the lab that are there, and leaves
them: for working on these tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.room import system
from rehearsal.room.errors import RoomError
from rehearsal.tests import host
from tests import summary
from tests.rehearsal.rehearsing import Rehearsal, Run

ORDER = ("rebuild", "consent", "healthy", "nginx", "nodes", "rows", "repair", "bundle", "host")
HERE = Path(__file__).parent
KEEP = "LAB_KEEP_ROOM" in os.environ
# From nothing: packages, base image, upstream tree and the rebuilding itself are in the first test's time.
FIRST_S, EACH_S = 1500, 400


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the rehearsal behind everything else, its files in the order of a lab's life."""
    mine = [item for item in items if item.path.parent == HERE]
    others = [item for item in items if item.path.parent != HERE]
    mine.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")))
    for item in mine:
        item.add_marker(pytest.mark.rehearsal)
        item.add_marker(pytest.mark.timeout(FIRST_S if item is mine[0] else EACH_S))
    items[:] = [*others, *mine]


@pytest.fixture(scope="session")
def able() -> None:
    """Skip with the reason where no rehearsal can be."""
    try:
        system.require_debian()
    except RoomError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def rehearsal(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The room, with nothing in it; gone at the end."""
    room = Rehearsal(tmp_path_factory.mktemp("rehearsal"))
    if KEEP:
        assert (room.place / "ready").exists(), "LAB_KEEP_ROOM: no room is up to be kept"
    else:
        room.up(guarded=True)
    yield room
    if not KEEP:
        room.down()


@dataclass(frozen=True)
class Before:
    """The computer before there was any room."""

    kernel: host.Kernel
    clock_offset_s: float


@pytest.fixture(scope="session")
def before(able: None, tmp_path_factory: pytest.TempPathFactory) -> Before:
    """One look at the computer, once it is rid of what a killed room left."""
    if not KEEP:
        Rehearsal(tmp_path_factory.mktemp("before")).down()
    return Before(host.Kernel.look(), host.clock_offset_s())


@pytest.fixture(scope="session")
def rebuilt(before: Before, rehearsal: Rehearsal) -> Run:
    """How `inv lab.rebuild` went, from nothing; tests that need the lab ask for `room`."""
    if KEEP:
        pytest.skip("LAB_KEEP_ROOM: the lab was built before")
    run = rehearsal.inv("lab.rebuild", consent=True, timeout_s=900)
    say_stages(run)
    return run


@pytest.fixture(scope="session")
def room(request: pytest.FixtureRequest, rehearsal: Rehearsal) -> Rehearsal:
    """The rehearsal with the rebuilt lab in it."""
    if not KEEP:
        run: Run = request.getfixturevalue("rebuilt")
        if run.code:
            pytest.skip("lab.rebuild failed: there is no lab to look at")
    return rehearsal


def say_stages(run: Run) -> None:
    """Keep a command's seconds, whole and by stage, for the end of the output."""
    stages = ", ".join(f"{row['step']} {row['seconds']:.0f}" for row in run.ends)
    summary.say(f"{run.words}: exit {run.code}, {run.seconds:.0f} s ({stages})")
