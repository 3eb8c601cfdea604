"""Trouble on the way to a host: each ends in one clear error or in success, never in what a second run can't finish.

The way is the same whoever answers the scripts: all trouble is tried on their JSON contract, and with PowerShell, which
takes its time, what is lost or added on the way of a running script.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.hyperv import create
from labkit.transport import powershell, winrm
from tests.integration.hyperv.conftest import NO_PWSH, PASSWORD, PWSH, answering

pytestmark = pytest.mark.network
LONGEST_S = 60.0
READ_TIMEOUT_S = 2

TROUBLE: dict[str, dict[str, Any]] = {
    "refused connections": {"kind": "refuse"},
    "one refused connection": {"kind": "refuse", "times": 1},
    "401": {"kind": "401"},
    "a hanging shell": {"kind": "hang", "on": "Create", "seconds": 5, "times": 1},
    "a hanging answer": {"kind": "hang", "on": "Receive", "seconds": 5, "times": 1},
    "slow answers": {"kind": "slow", "on": "Command", "seconds": 1},
    "a reboot before the script": {"kind": "reboot", "on": "Command", "seconds": 1, "times": 1},
    "a reboot during the script": {"kind": "reboot", "on": "Receive", "seconds": 1, "times": 1},
    "noise on stderr": {"kind": "noise"},
    "a translated error and no answer": {"kind": "translated"},
    **{
        f"a connection lost at {action}": {"kind": "drop", "on": action, "times": 1}
        for action in ("Create", "Command", "Send", "Receive", "Signal", "Delete")
    },
}
NEVER_A_FAILURE = ("slow answers", "noise on stderr")
WITH_POWERSHELL = ("a reboot during the script", "noise on stderr", "a connection lost at Receive")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that loses its patience soon."""
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    monkeypatch.setattr(winrm, "OPERATION_TIMEOUT_S", 1)
    monkeypatch.setattr(winrm, "READ_TIMEOUT_S", READ_TIMEOUT_S)


@pytest.fixture
def bare(lab: Lab, tmp_path: Path, impatient: None) -> Iterator[Any]:
    """Two PCs without VMs."""
    with answering(lab, tmp_path, None) as pcs:
        yield pcs


def told(error: LabError | None) -> str:
    return f"{error.problem} {error.hint}" if error else ""


def endure(pcs: Any, name: str, when: str) -> None:
    """Create machines in trouble: one error or none, no hang, and a second run finishes."""
    begun, error, session = time.monotonic(), None, pcs.session()
    if when == "writing":
        session.hosts.survey(probe=True)
    pcs.fault("pc1", TROUBLE[name])
    try:
        create.create(session)
    except LabError as caught:  # anything else is a traceback, and fails here
        error = caught
    assert time.monotonic() - begun < LONGEST_S
    if name in NEVER_A_FAILURE:
        assert error is None
    if error:
        assert isinstance(error, UnreachableError)
        assert error.problem.startswith("host pc1")
        assert "pc2" not in error.problem
    assert PASSWORD not in told(error)
    pcs.fault("pc1")
    time.sleep(1 if TROUBLE[name]["kind"] == "reboot" else 0)
    create.create(pcs.session())
    assert set(pcs.actions().values()) == {"unchanged"}
    assert not any(create.create(pcs.session()).values())


@pytest.mark.parametrize("name", TROUBLE)
@pytest.mark.parametrize("when", ["reading", "writing"])
def test_trouble_ends_in_one_error_or_none_and_a_second_run_finishes(bare: Any, name: str, when: str) -> None:
    endure(bare, name, when)


@pytest.mark.powershell
@NO_PWSH
@pytest.mark.parametrize("name", WITH_POWERSHELL)
def test_trouble_while_powershell_writes_ends_in_one_error_or_none(
    lab: Lab, tmp_path: Path, impatient: None, name: str
) -> None:
    with answering(lab, tmp_path, PWSH) as pcs:
        endure(pcs, name, "writing")


def test_a_command_line_beyond_the_limit_of_cmd_is_told_and_changes_nothing(
    bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = bare.session()
    session.hosts.survey(probe=True)
    with monkeypatch.context() as longer:
        longer.setattr(powershell, "STUB", powershell.STUB + "#" * 8191)
        with pytest.raises(UnreachableError, match=r"host pc\d: .*line is too long"):
            create.create(session)
    assert [bare.state(host).read()["vms"] for host in ("pc1", "pc2")] == [{}, {}]
    create.create(bare.session())
    assert set(bare.actions().values()) == {"unchanged"}


def test_hosts_are_asked_at_once_past_any_proxy_and_without_a_change_to_the_environment(
    bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that one thread sets and takes away again is a KeyError for another that reads them all."""
    wanted: list[str | None] = []

    @contextmanager
    def watched(name: str, value: str | None) -> Iterator[None]:
        wanted.append(value)
        yield

    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setattr("requests.utils.set_environ", watched)
    assert set(bare.session().hosts.read()) == {"pc1", "pc2"}
    assert wanted
    assert set(wanted) == {None}


@pytest.mark.parametrize("name", ["a connection lost at Receive", "a hanging answer", "one refused connection"])
def test_a_read_is_repeated_by_itself(bare: Any, name: str) -> None:
    bare.session().hosts.read()
    bare.fault("pc1", TROUBLE[name])
    try:
        assert set(bare.session().hosts.read()) == {"pc1", "pc2"}
    except UnreachableError:
        assert name == "one refused connection"  # the first question whether anybody is there is asked once


def test_a_lost_write_is_never_sent_twice(bare: Any) -> None:
    session = bare.session()
    session.hosts.survey(probe=True)
    bare.fault("pc1", {"kind": "drop", "on": "Receive", "times": 1})
    create.create(session)  # the state read afterwards is the wanted one
    assert bare.calls().count(("pc1", "New-LabMachine")) == 1


def test_a_translated_error_is_shown_whole(bare: Any) -> None:
    bare.fault("pc1", TROUBLE["a translated error and no answer"])
    with pytest.raises(UnreachableError, match="실행할 수 없으므로 파일을 로드할 수 없습니다"):
        bare.session().hosts.read()


def test_a_service_that_is_down_while_writing_changes_nothing(bare: Any) -> None:
    session = bare.session()
    session.hosts.survey(probe=True)
    bare.update("pc1", services={"vmms": "Stopped", "WinRM": "Running"})
    with pytest.raises((RefusedError, LabError), match="host pc1"):
        create.create(session)
    assert bare.state("pc1").read()["vms"] == {}
    bare.update("pc1", services={"vmms": "Running", "WinRM": "Running"})
    create.create(bare.session())
    assert set(bare.actions().values()) == {"unchanged"}


def test_a_folder_in_which_no_disk_may_lie_is_told_with_the_way_out(bare: Any) -> None:
    session = bare.session()
    session.hosts.survey(probe=True)
    bare.update("pc1", compressed=True)
    with pytest.raises(RefusedError, match=r"(?s)host pc1, machine .*\(0xC03A001A\).*compact /u"):
        create.create(session)
    with pytest.raises(RefusedError, match=r"(?s)host pc1: .* is compressed or encrypted: .*compact /u"):
        create.create(bare.session())
