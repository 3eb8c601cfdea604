"""How pytest-xdist shares the tests out: by file, and all that needs a room to one worker, which begins with it.

Of several runs on one computer one at a time has the room; the others' workers wait for it.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
# They make rooms, of which a computer has one at a time, or boot machines. They are the longest piece, and mostly wait.
ONE_AT_A_TIME = ("tests/integration/boot", "rehearsal/tests/integration/room", "tests/rehearsal")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Files in the order of collection; those of ONE_AT_A_TIME are one piece."""

    def _split_scope(self, nodeid: str) -> str:  # what pytest-xdist's manual says to override
        file = nodeid.split("::", 1)[0]
        return "one at a time" if is_one_at_a_time(file) else file


def is_one_at_a_time(path: str) -> bool:
    """Whether a test file, named from the checkout with forward slashes, must not run beside others of its kind."""
    return path.startswith(tuple(f"{folder}/" for folder in ONE_AT_A_TIME))


@cache
def wait_for_the_room() -> IO[str]:
    """Return once no other run of tests has a room or boots machines; this one then has that right until it ends."""
    import fcntl  # only Linux has rooms

    turn = (Path(tempfile.gettempdir()) / "lab-tests-with-a-room").open("w")
    fcntl.flock(turn, fcntl.LOCK_EX)
    return turn


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """The items with those of ONE_AT_A_TIME before all others, which run beside them."""
    return sorted(items, key=lambda item: not is_one_at_a_time(item.path.relative_to(ROOT).as_posix()))


def scheduler(config: pytest.Config, log: Any) -> ByFile:
    """The scheduler for a run with workers."""
    config.option.loadscopereorder = False  # the one with the most tests is not the longest
    return ByFile(config, log)
