"""How pytest-xdist shares the tests out: by file, and all that needs the whole computer to one worker, at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
# They emulate processors, make rooms, or compare the computer before and after.
WHOLE_COMPUTER = ("tests/integration/boot", "rehearsal/tests/integration/room", "tests/rehearsal")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Files in the order of collection; those of WHOLE_COMPUTER are one piece."""

    def _split_scope(self, nodeid: str) -> str:  # what pytest-xdist's manual says to override
        file = nodeid.split("::", 1)[0]
        return "whole computer" if needs_whole_computer(file) else file


def needs_whole_computer(path: str) -> bool:
    """Whether a test file, named from the checkout with forward slashes, must not have a rehearsal beside it."""
    return path.startswith(tuple(f"{folder}/" for folder in WHOLE_COMPUTER))


def last(items: list[pytest.Item]) -> list[pytest.Item]:
    """The items with those of WHOLE_COMPUTER behind all others."""
    return sorted(items, key=lambda item: needs_whole_computer(item.path.relative_to(ROOT).as_posix()))


def scheduler(config: pytest.Config, log: Any) -> ByFile:
    """The scheduler for a run with workers."""
    config.option.loadscopereorder = False  # the largest first would be the whole computer's
    return ByFile(config, log)
