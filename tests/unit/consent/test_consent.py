"""Nobody's machine is destroyed by a default, a pipe, another lab's name or a slip of the finger."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from labkit.errors import ConsentError
from labkit.line import consent
from labkit.session import Session

DISK = ["w1 on pc1: C:\\Lab\\lab-7e57\\w1\\system-1f2e3d4c.vhdx", "[red]w2[/red] on pc2"]


class Terminal(io.StringIO):
    """Standard input as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sit at a terminal and type this."""
    return lambda text: monkeypatch.setattr(sys, "stdin", Terminal(text))


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal unless a test brings one."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def require(session: Session, what: list[str] | None = None, *, dry: bool = False, data: bool = False) -> bool:
    return consent.require(session, DISK if what is None else what, "inv lab.discard", dry=dry, data=data)


def test_nothing_to_destroy_asks_nothing(session: Session) -> None:
    assert require(session, []) is False


@pytest.mark.parametrize("given", ["", "lab-7e57"])
def test_a_dry_run_shows_each_thing_and_does_not_act_with_consent_either(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", given)
    assert require(session, dry=True) is False
    shown = capsys.readouterr().out
    assert "would destroy" in shown
    assert all(line in shown for line in DISK)


def test_what_changes_a_pc_is_not_said_to_destroy(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConsentError, match="this changes what is listed"):
        consent.require(session, DISK, "inv hyperv.switch", dry=False, verb="change")
    assert "inv hyperv.switch changes, in lab-7e57:" in capsys.readouterr().out


@pytest.mark.parametrize("stdin", [io.StringIO("lab-7e57\n"), None], ids=["a pipe", "closed"])
def test_without_a_terminal_it_is_refused_with_the_command_to_use(
    session: Session, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(ConsentError) as refusal:
        require(session)
    assert refusal.value.code == 5
    assert "LAB_ASSUME_YES=lab-7e57" in str(refusal.value.hint)
    assert "inv lab.discard" in str(refusal.value.hint)


def test_the_labs_name_in_the_environment_counts(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    assert require(session) is True
    shown = capsys.readouterr().out
    assert all(line in shown for line in DISK)


@pytest.mark.parametrize("value", ["yes", "1", "7e57", "lab-7e58", "LAB-7E57", ""])
def test_anything_else_in_the_environment_does_not(
    session: Session, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", value)
    with pytest.raises(ConsentError):
        require(session)


def test_the_environment_does_not_count_for_stored_data(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", "lab-7e57")
    with pytest.raises(ConsentError) as refusal:
        require(session, data=True)
    assert "terminal" in str(refusal.value.hint)


@pytest.mark.parametrize("data", [False, True])
def test_the_labs_name_typed_at_a_terminal_counts(session: Session, answer: Callable[[str], None], data: bool) -> None:
    answer("lab-7e57\n")
    assert require(session, data=data) is True


@pytest.mark.parametrize("typed", ["y\n", "yes\n", "\n", "", "lab-7e58\n"])
def test_anything_else_typed_stops(session: Session, answer: Callable[[str], None], typed: str) -> None:
    answer(typed)
    with pytest.raises(ConsentError, match="nothing was changed"):
        require(session)
