"""A session whose machines are doubles."""

from __future__ import annotations

import pytest

from labkit.session import Session
from tests.unit.cluster.doubles import FakeMachines, attach


@pytest.fixture
def machines(session: Session) -> FakeMachines:
    return attach(session)
