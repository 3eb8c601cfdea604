"""All hosts at once: one call each, answers shared, errors told together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import current_thread
from typing import Any
from unittest.mock import Mock

import pytest

from labkit.errors import DeadlineError, LabError, MissingError, UnreachableError
from labkit.hyperv import hosts
from labkit.hyperv.hosts import READ_ATTEMPTS
from labkit.session import Session
from labkit.transport.winrm import DroppedError, Output
from tests.unit.hyperv.conftest import Link

Connect = Callable[[Any], Session]


def test_one_read_a_host_serves_all_tasks_of_a_run_until_something_is_changed(pcs: Any, on: Connect) -> None:
    hosts = on(pcs).hosts
    pcs.replies["Get-LabScreen"] = lambda *_: {"machines": []}
    first = hosts.read()
    hosts.ask("Get-LabScreen", {"pc1": {"Lab": "lab-7e57", "Id": ["a"]}})
    assert hosts.read() == first
    assert sorted(host for host, _ in pcs.made("Get-LabHost")) == ["pc1", "pc2"]
    hosts.run("New-LabMachine", {"pc1": {"Lab": "lab-7e57", "Machine": []}})
    hosts.read()
    assert len(pcs.made("Get-LabHost")) == 4


def test_hosts_are_asked_at_the_same_time(pcs: Any, on: Connect) -> None:
    both = threading.Barrier(2, timeout=5)
    pcs.replies["Get-LabHost"] = lambda host, _: (both.wait(), pcs.answers[host])[1]
    assert set(on(pcs).hosts.read()) == {"pc1", "pc2"}


def test_facts_sort_machines_by_their_mark(pcs: Any, on: Connect) -> None:
    facts = on(pcs).hosts.read()
    assert set(facts["pc1"].machines) == {"bootstrap", "cp1", "w1"}
    storage = facts["pc2"].machines["storage1"]
    assert storage.system_disk is not None
    assert storage.data_disk is not None
    assert storage.system_disk.path.startswith("C:\\Lab\\lab-7e57\\storage1\\system-")


def test_a_pc_that_tells_its_readiness_is_given_the_time_for_it(
    pcs: Any, on: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, run = list[float](), Link.run

    def watched(link: Link, line: str, stdin: bytes, deadline_s: float) -> Output:
        waited.append(deadline_s)
        return run(link, line, stdin, deadline_s)

    monkeypatch.setattr(Link, "run", watched)
    on(pcs).hosts.survey(probe=True)
    assert waited == pytest.approx([300, 300], abs=1)


@pytest.mark.parametrize("probe", [False, True])
def test_a_slow_pc_makes_no_clock_look_wrong(
    pcs: Any, on: Connect, monkeypatch: pytest.MonkeyPatch, probe: bool
) -> None:
    """pc2 answers four minutes after pc1, when both clocks are so much further; its readiness took all of them."""
    begun = datetime(2026, 1, 5, tzinfo=UTC)
    later = begun + timedelta(minutes=4)
    told = {"pc1": begun, "pc2": begun if probe else later}
    monkeypatch.setattr(hosts, "datetime", Mock(now=lambda _: begun if current_thread().name == "host pc1" else later))
    for name, answer in pcs.answers.items():
        answer["host"]["time"] = told[name].isoformat()
        answer["readiness"]["time"] = (begun if name == "pc1" else later).isoformat()
        if not probe:
            del answer["readiness"]
    facts, _ = on(pcs).hosts.survey(probe=probe)
    assert [here.skew_s for here in facts.values()] == [0, 0]


@pytest.mark.parametrize("pc2", [UnreachableError, DroppedError])
def test_errors_of_all_hosts_are_told_together_as_one_of_their_common_kind(
    pcs: Any, on: Connect, pc2: type[LabError]
) -> None:
    kinds: dict[str, type[LabError]] = {"pc1": UnreachableError, "pc2": pc2}
    pcs.replies["Get-LabHost"] = lambda host, _: kinds[host](f"host {host} is asleep", "wake it")
    with pytest.raises(UnreachableError) as caught:
        on(pcs).hosts.read()
    assert "host pc1 is asleep" in str(caught.value)
    assert "host pc2 is asleep" in str(caught.value)
    assert str(caught.value).count("wake it") == 1
    assert caught.value.code == UnreachableError.exit_code


def test_a_lost_read_is_repeated(pcs: Any, on: Connect) -> None:
    lost = iter([DroppedError("lost"), DroppedError("lost")])
    pcs.replies["Get-LabHost"] = lambda host, _: next(lost, pcs.answers[host]) if host == "pc1" else pcs.answers[host]
    on(pcs).hosts.read()
    assert [host for host, _ in pcs.made("Get-LabHost")].count("pc1") == READ_ATTEMPTS


def test_a_read_that_keeps_getting_lost_ends(pcs: Any, on: Connect) -> None:
    pcs.replies["Get-LabHost"] = lambda host, _: DroppedError(f"host {host}: lost")
    with pytest.raises(UnreachableError):
        on(pcs).hosts.read()
    assert len(pcs.made("Get-LabHost")) == 2 * READ_ATTEMPTS


def test_a_host_that_is_held_up_is_given_up_beside_one_that_answers(
    pcs: Any, on: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a server that says a little now and then, for which no time-out of the line ever comes."""
    monkeypatch.setattr(hosts, "READ_DEADLINE_S", 0.2)
    monkeypatch.setattr(hosts, "GRACE_S", 0.2, raising=False)
    held = threading.Event()
    pcs.replies["Get-LabHost"] = lambda host, _: (held.wait(5) if host == "pc1" else None, pcs.answers[host])[1]
    session = on(pcs)
    facts, errors = session.hosts.survey()
    assert set(facts) == {"pc2"}
    assert [(type(error), "host pc1" in error.problem) for error in errors] == [(DeadlineError, True)]
    held.set()
    assert set(session.hosts.read()) == {"pc1", "pc2"}


def test_a_read_is_not_repeated_past_its_deadline(pcs: Any, on: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "READ_DEADLINE_S", 0.0)
    pcs.replies["Get-LabHost"] = lambda host, _: DroppedError(f"host {host}: lost")
    with pytest.raises(DroppedError):
        on(pcs).hosts.read()
    assert len(pcs.made("Get-LabHost")) == 2


def test_one_machines_error_is_raised_with_its_name(pcs: Any, on: Connect) -> None:
    error = {"message": "no", "id": "OutOfMemory,X", "category": "FromStdErr", "line": 3}
    rows = [{"name": "w1", "id": "1", "changed": [], "state": "Off", "error": error}]
    pcs.replies["Start-LabMachine"] = lambda host, _: {"changed": False, "machines": rows}
    with pytest.raises(LabError, match=r"host pc1, machine w1: no \[OutOfMemory,X"):
        on(pcs).hosts.run("Start-LabMachine", {"pc1": {"Lab": "lab-7e57", "Id": ["1"]}})


def test_notes_of_an_answer_stand_once_in_the_journal(pcs: Any, on: Connect) -> None:
    for answer in pcs.answers.values():
        answer["notes"] = ["a PC of cardboard"]
    session = on(pcs)
    session.hosts.read()
    session.hosts.read(fresh=True)
    notes = [(row["source"], row["text"]) for row in session.journal.rows() if row["event"] == "note"]
    assert sorted(notes) == [("host pc1", "a PC of cardboard"), ("host pc2", "a PC of cardboard")]


def test_without_a_password_no_host_is_contacted(pcs: Any, on: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    session = on(pcs)
    monkeypatch.delenv("LAB_PASSWORD")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(MissingError, match="no password for lab on pc1"):
        session.hosts.read()
    assert pcs.calls == []


def test_a_mistake_in_a_thread_is_not_swallowed(pcs: Any, on: Connect) -> None:
    del pcs.answers["pc2"]
    with pytest.raises(KeyError):
        on(pcs).hosts.read()
