"""A power failure on purpose, while another thread gives the power back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal.hosts import outage
from rehearsal.hosts.state import HostState, Json


class RestartedAtOnce(HostState):
    """A PC that has started again before whoever it failed looks at it once more."""

    @contextmanager
    def change(self) -> Iterator[Json]:
        with super().change() as state:
            yield state
        with super().change() as state:
            if state.get(outage.KEY, 0) < 0:
                del state[outage.KEY]


def test_a_change_of_files_fails_with_the_power_also_when_the_pc_is_back_at_once(tmp_path: Path) -> None:
    pc = RestartedAtOnce(tmp_path, "pc1")
    pc.make({outage.KEY: 0})
    with pytest.raises(outage.PowerFailsError):
        outage.before_files(pc)
    assert pc.read() == {}
    outage.before_files(pc)
