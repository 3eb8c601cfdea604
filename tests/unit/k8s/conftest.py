"""A session whose machines are doubles."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines, attach


@pytest.fixture
def machines(session: Session) -> FakeMachines:
    return attach(session)


@pytest.fixture
def printed(session: Session) -> io.StringIO:
    """What the session prints as results."""
    text = io.StringIO()
    session.output = Console(file=text, width=200)
    return text
