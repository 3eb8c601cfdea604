"""A session whose machines are doubles."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from labkit.k8s import tree
from labkit.session import Session
from tests.unit.k8s.doubles import EVENTS, FakeMachines, FakeRemote, attach, events


@pytest.fixture
def machines(session: Session) -> FakeMachines:
    return attach(session)


@pytest.fixture
def bootstrap(session: Session, machines: FakeMachines) -> FakeRemote:
    """A bootstrap server with this project's tree, where runs succeed."""
    remote = machines.bootstrap()
    remote.answers |= {"start.sh": f"{EVENTS}\n", tree.IDENTITY: f"{tree.identity(session.lab)}\n"}
    remote.stream = events()
    return remote


@pytest.fixture
def printed(session: Session) -> io.StringIO:
    """What the session prints as results."""
    text = io.StringIO()
    session.output = Console(file=text, width=200)
    return text
