"""The real pywinrm against a stand-in PC: NTLM, sealed messages, shells, faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol

from labkit.transport.powershell import command_line, payload, script_text
from rehearsal.hosts import cmdlets
from rehearsal.hosts.endpoint import Endpoint, serve
from rehearsal.hosts.state import HostState

pytestmark = pytest.mark.network

READ = {"Lab": "lab-7e57", "LabPath": r"C:\Lab\lab-7e57", "IsoPath": ""}
SHORT_S = 1
PASSWORD = "secret"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """A PC that answers by JSON contract."""
    server = serve("pc1", "127.0.0.1", 0, tmp_path, "lab", PASSWORD, None)
    server.start()
    yield server
    server.stop()


def protocol(endpoint: Endpoint, password: str = PASSWORD, timeout_s: int = 20) -> Any:
    return Protocol(
        f"http://127.0.0.1:{endpoint.port}/wsman",
        transport="ntlm",
        username="lab",
        password=password,
        message_encryption="always",
        operation_timeout_sec=timeout_s,
        read_timeout_sec=timeout_s + 2,
        proxy=None,
        ca_trust_path=None,
    )


def call(client: Any, script: str, parameters: dict[str, Any]) -> tuple[dict[str, Any], bytes, int]:
    """Run one of the project's scripts as labkit does, its input in small pieces."""
    shell = client.open_shell(codepage=65001)
    command = client.run_command(shell, command_line())
    given = payload(script_text(script), parameters)
    for start in range(0, len(given), 4000):
        client.send_command_input(shell, command, given[start : start + 4000], end=start + 4000 >= len(given))
    output, errors, code = client.get_command_output(shell, command)
    client.cleanup_command(shell, command)
    client.close_shell(shell)
    return json.loads(output), errors, code


def break_it(tmp_path: Path, *faults: dict[str, Any]) -> None:
    (tmp_path / "hosts" / "pc1" / "faults.json").write_text(json.dumps(faults))


def test_a_script_is_answered_and_counted(endpoint: Endpoint, tmp_path: Path) -> None:
    answer, errors, code = call(protocol(endpoint), "Get-LabHost", READ)
    assert (answer["host"]["name"], code) == ("PC1", 0)
    assert errors.startswith(b"#< CLIXML")
    journal = [json.loads(line) for line in (tmp_path / "hosts/pc1/calls.jsonl").read_text().splitlines()]
    assert [(one["script"], one["mutating"]) for one in journal] == [("Get-LabHost", False)]


def test_an_answer_says_that_no_powershell_gave_it(endpoint: Endpoint) -> None:
    assert "JSON contract" in call(protocol(endpoint), "Get-LabHost", READ)[0]["notes"][0]


@pytest.mark.powershell
def test_powershell_really_runs_the_script(tmp_path: Path) -> None:
    pwsh = cmdlets.find_pwsh()
    if pwsh is None:
        pytest.skip("no PowerShell: neither LAB_PWSH nor pwsh on the PATH")
    server = serve("pc1", "127.0.0.1", 0, tmp_path, "lab", PASSWORD, pwsh)
    server.start()
    try:
        answer, _, code = call(protocol(server), "Get-LabHost", READ)
        assert (answer["service"], code) == ("Running", 0)
        assert "notes" not in answer
        broken, _, code = call(protocol(server), "Get-LabHost", READ | {"Nonsense": 1})
        assert broken["error"]["id"].startswith("NamedParameterNotFound")
        assert code == 1
    finally:
        server.stop()


def test_a_wrong_password_is_rejected(endpoint: Endpoint) -> None:
    with pytest.raises(InvalidCredentialsError):
        protocol(endpoint, password="wrong").open_shell()


def test_an_unsealed_message_is_rejected(endpoint: Endpoint) -> None:
    with pytest.raises(Exception, match="400"):
        Protocol(
            f"http://127.0.0.1:{endpoint.port}/wsman",
            transport="ntlm",
            username="lab",
            password=PASSWORD,
            message_encryption="never",
            proxy=None,
        ).open_shell()


def test_a_line_longer_than_cmd_takes_is_refused(endpoint: Endpoint) -> None:
    client = protocol(endpoint)
    shell = client.open_shell()
    command = client.run_command(shell, "powershell.exe", ["x" * (8192 - len("powershell.exe "))])
    assert client.get_command_output(shell, command) == (b"", b"The command line is too long.\r\n", 1)


def test_an_unknown_program_is_refused_as_cmd_does(endpoint: Endpoint) -> None:
    client = protocol(endpoint)
    shell = client.open_shell()
    _, errors, code = client.get_command_output(shell, client.run_command(shell, "sing"))
    assert b"is not recognized as an internal or external command" in errors
    assert code == 1


def test_waiting_longer_than_the_operation_may_take_is_a_time_out(endpoint: Endpoint) -> None:
    client = protocol(endpoint, timeout_s=SHORT_S)
    shell = client.open_shell()
    command = client.run_command(shell, command_line())
    with pytest.raises(WinRMOperationTimeoutError):
        client.get_command_output_raw(shell, command)
    client.send_command_input(shell, command, payload(script_text("Get-LabHost"), READ), end=True)
    assert client.get_command_output(shell, command)[2] == 0


def test_a_closed_shell_is_gone(endpoint: Endpoint) -> None:
    client = protocol(endpoint)
    shell = client.open_shell()
    client.close_shell(shell)
    with pytest.raises(WSManFaultError) as caught:
        client.run_command(shell, "powershell.exe")
    assert caught.value.wsman_fault_code == 2150858843


def test_a_terminated_command_ends(endpoint: Endpoint) -> None:
    client = protocol(endpoint)
    shell = client.open_shell()
    command = client.run_command(shell, command_line())
    client.cleanup_command(shell, command)
    assert client.get_command_output(shell, command)[2] == 1


def test_several_clients_are_answered_at_once(endpoint: Endpoint) -> None:
    answers: list[int] = []

    def ask() -> None:
        answers.append(call(protocol(endpoint), "Get-LabHost", READ)[2])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0] * 8


def test_credentials_can_be_rejected_on_purpose(endpoint: Endpoint, tmp_path: Path) -> None:
    break_it(tmp_path, {"kind": "401"})
    with pytest.raises(InvalidCredentialsError):
        protocol(endpoint).open_shell()


def test_connections_can_be_reset_on_purpose(endpoint: Endpoint, tmp_path: Path) -> None:
    break_it(tmp_path, {"kind": "refuse"})
    with pytest.raises(requests.ConnectionError):
        protocol(endpoint).open_shell()


def test_a_hang_outlasts_the_client(endpoint: Endpoint, tmp_path: Path) -> None:
    break_it(tmp_path, {"kind": "hang", "on": "Create", "seconds": 4})
    with pytest.raises(requests.ReadTimeout):
        protocol(endpoint, timeout_s=SHORT_S).open_shell()


def test_a_slow_answer_comes_late_but_right(endpoint: Endpoint, tmp_path: Path) -> None:
    break_it(tmp_path, {"kind": "slow", "on": "Command", "seconds": 0.5})
    started = time.monotonic()
    assert call(protocol(endpoint), "Get-LabHost", READ)[2] == 0
    assert time.monotonic() - started >= 0.5


def test_a_call_dropped_in_the_middle_was_done_all_the_same(endpoint: Endpoint, tmp_path: Path) -> None:
    break_it(tmp_path, {"kind": "drop", "on": "Send", "times": 1})
    machine: dict[str, Any] = {
        "name": "w1",
        "vm_name": "lab-7e57-w1",
        "notes": "{}",
        "id": "",
        "folder": r"C:\Lab\lab-7e57\w1",
    }
    machine |= {"do": ["create"], "memory_bytes": 1 << 30}
    client = protocol(endpoint)
    shell = client.open_shell()
    command = client.run_command(shell, command_line())
    given = payload(script_text("New-LabMachine"), {"Lab": "lab-7e57", "Machine": [machine]})
    with pytest.raises(requests.ConnectionError):
        client.send_command_input(shell, command, given, end=True)
    deadline = time.monotonic() + 10
    while not HostState(tmp_path, "pc1").read()["vms"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stopped_hyper_v_service_is_told(endpoint: Endpoint, tmp_path: Path) -> None:
    with HostState(tmp_path, "pc1").change() as state:
        state["services"]["vmms"] = "Stopped"
    answer = call(protocol(endpoint), "Get-LabHost", READ)[0]
    assert (answer["service"], answer["vms"]) == ("Stopped", [])
