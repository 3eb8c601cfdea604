"""Passwords come from where they may, and show themselves nowhere."""

from __future__ import annotations

import getpass
import io
import os
import sys
from collections.abc import Callable

import pytest

from labkit.controller import secrets
from labkit.controller.secrets import Secret, host_password
from labkit.description.lab import Host, Lab
from labkit.errors import MissingError

TypeIn = Callable[[str | type[EOFError]], list[str]]


@pytest.fixture(autouse=True)
def nothing_typed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a run of its own."""
    monkeypatch.setattr(secrets, "_typed", {})


@pytest.fixture
def host(lab: Lab) -> Host:
    return lab.hosts[0]


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> TypeIn:
    """Sit at a terminal and type this; returns the prompts that were shown."""

    def sit(text: str | type[EOFError]) -> list[str]:
        shown: list[str] = []

        def prompt(words: str) -> str:
            shown.append(words)
            if isinstance(text, str):
                return text
            raise text

        terminal = io.StringIO()
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(getpass, "getpass", prompt)
        return shown

    return sit


def test_a_hosts_own_variable_comes_before_the_common_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "common")
    assert host_password(host).reveal() == "common"
    monkeypatch.setenv("LAB_PASSWORD_PC1", "own")
    assert host_password(host).reveal() == "own"


def test_without_one_and_nobody_there_both_variables_are_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("never read\n"))
    with pytest.raises(MissingError, match=r"lab on pc1 \(192\.0\.2\.11\)") as error:
        host_password(host)
    assert "LAB_PASSWORD_PC1" in str(error.value.hint)


def test_it_is_asked_once_and_does_not_reach_child_processes(host: Host, type_in: TypeIn) -> None:
    shown = type_in("typed")
    assert [host_password(host).reveal() for _ in range(2)] == ["typed", "typed"]
    assert len(shown) == 1
    assert "typed" not in os.environ.values()


@pytest.mark.parametrize("answer", ["", EOFError])
def test_no_answer_is_no_password(host: Host, type_in: TypeIn, answer: str | type[EOFError]) -> None:
    type_in(answer)
    with pytest.raises(MissingError):
        host_password(host)


def test_a_secret_shows_itself_only_when_asked_by_name() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {vars(secret).keys()}"
    assert secret.reveal() == "hunter2"
