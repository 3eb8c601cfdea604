"""WS-Man envelopes, NTLM and the pieces between them, without a network."""

from __future__ import annotations

import base64
import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import spnego

from rehearsal.hosts import clixml, wsman
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.faults import Faults
from rehearsal.hosts.launch import PRELUDE, prepared
from rehearsal.hosts.ntlm import Accounts, Authentication, LogOnError


def message(action: str = f"{wsman.SHELL}/Receive", timeout: str = "PT20S", body: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{wsman.SOAP}" xmlns:a="{wsman.ADDRESSING}" xmlns:w="{wsman.WSMAN}" '
        f'xmlns:rsp="{wsman.SHELL}"><s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID>'
        f'<w:OperationTimeout>{timeout}</w:OperationTimeout><w:SelectorSet><w:Selector Name="ShellId">S</w:Selector>'
        f"</w:SelectorSet></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def log_on(password: str, user: str = "lab") -> tuple[Any, Authentication]:
    """Let pyspnego's client talk to the server's side until both are done."""
    client = spnego.client(user, password, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    server = Authentication(Accounts("pc1", "lab", "right"))
    challenge = server.answer("Negotiate " + base64.b64encode(client.step() or b"").decode())
    assert challenge
    reply = client.step(base64.b64decode(challenge.partition(" ")[2]))
    assert server.answer("Negotiate " + base64.b64encode(reply or b"").decode()) is None
    return client, server


def test_an_envelope_tells_what_is_asked() -> None:
    request = wsman.parse(message(body='<rsp:Receive><rsp:DesiredStream CommandId="C"/></rsp:Receive>'))
    assert (request.action, request.shell_id, request.message_id, request.timeout_s) == ("Receive", "S", "uuid:1", 20)
    assert request.attribute("rsp:Receive/rsp:DesiredStream", "CommandId") == "C"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"<broken", wsman.INVALID_XML),
        (b"<a/>", wsman.SCHEMA_VALIDATION),
        (message(action="http://example.org/Dance"), wsman.INVALID_ACTION),
        (message(timeout="soon"), wsman.SCHEMA_VALIDATION),
    ],
)
def test_what_is_no_request_is_a_fault(text: bytes, code: int) -> None:
    with pytest.raises(wsman.FaultError) as caught:
        wsman.parse(text)
    assert caught.value.code == code


@pytest.mark.parametrize(("text", "seconds"), [("PT20S", 20), ("PT1M0.5S", 60.5), ("PT2M", 120)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert wsman.duration(text) == seconds


def test_a_fault_carries_its_code_and_escapes_its_reason() -> None:
    answer = ET.fromstring(wsman.refused(wsman.FaultError(7, "a < b"), "uuid:1"))
    assert answer.find(f".//{{{wsman.FAULT}}}WSManFault").get("Code") == "7"  # type: ignore[union-attr]
    assert answer.findtext(".//s:Text", namespaces=wsman.NAMES) == "a < b"


@pytest.mark.parametrize("user", ["lab", "LAB", r".\lab", r"PC1\lab"])
def test_the_right_password_is_let_in_under_every_spelling(user: str) -> None:
    assert log_on("right", user)[1].complete


@pytest.mark.parametrize(("password", "user"), [("wrong", "lab"), ("right", "somebody")])
def test_a_wrong_account_is_refused(password: str, user: str) -> None:
    with pytest.raises(LogOnError):
        log_on(password, user)


def test_a_message_is_looked_at_without_touching_the_environment() -> None:
    """Clients in other threads of the tests walk through it meanwhile."""
    accounts = Accounts("pc1", "lab", "right")
    before = dict(os.environ)
    seen: list[dict[str, str]] = []

    def context() -> Any:
        seen.append(dict(os.environ))
        return spnego.server(protocol="ntlm")

    with pytest.raises(LogOnError):
        accounts.step(context, b"no message")
    assert [*seen, dict(os.environ)] == [before, before]


@pytest.mark.parametrize("header", ["Basic bGFiOmxhYg==", "Negotiate ???", "Negotiate AAAA"])
def test_what_is_no_ntlm_is_refused(header: str) -> None:
    with pytest.raises(LogOnError):
        Authentication(Accounts("pc1", "lab", "right")).answer(header)


def test_messages_are_sealed_both_ways() -> None:
    client, server = log_on("right")
    sealed = client.wrap_winrm("Grüße".encode())
    length = len(sealed.header).to_bytes(4, "little")
    body = (
        b"--Encrypted Boundary\r\n\tContent-Type: x\r\n\tOriginalContent: y\r\n--Encrypted Boundary\r\n"
        b"\tContent-Type: application/octet-stream\r\n" + length + sealed.header + sealed.data
    )
    assert server.decrypt(body + b"--Encrypted Boundary--\r\n") == "Grüße".encode()
    answer = server.encrypt(b"welcome").split(b"octet-stream\r\n")[1].removesuffix(b"--Encrypted Boundary--\r\n")
    assert client.unwrap_winrm(answer[4:20], answer[20:]) == b"welcome"


@pytest.mark.parametrize("body", [b"", b"<s:Envelope/>", b"--Encrypted Boundary\r\n" * 3])
def test_what_was_not_sealed_is_refused(body: bytes) -> None:
    with pytest.raises(LogOnError):
        log_on("right")[1].decrypt(body)


def test_stderr_carries_progress_even_when_nothing_went_wrong() -> None:
    text = clixml.stderr().decode()
    assert text.startswith("#< CLIXML\r\n")
    assert 'S="progress"' in text
    assert 'S="Error"' not in text


def test_errors_on_stderr_are_wrapped_in_mid_sentence() -> None:
    text = clixml.stderr("x " * 60).decode()
    assert text.count('<S S="Error">') == 2


@pytest.mark.parametrize("option", ["-EncodedCommand", "-enc", "-e", "/ec"])
def test_the_drive_is_mapped_before_the_clients_script(option: str) -> None:
    encoded = base64.b64encode("Get-VM".encode("utf-16-le")).decode()
    arguments = prepared(["-NoProfile", option, encoded])
    assert base64.b64decode(arguments[2]).decode("utf-16-le") == PRELUDE + "Get-VM"


def test_a_plain_command_is_prepared_too() -> None:
    assert prepared(["-NoProfile", "-Command", "Get-VM", "-Name", "x"])[-1] == PRELUDE + "Get-VM -Name x"


def test_calls_know_the_projects_scripts_whatever_their_line_ends(tmp_path: Path) -> None:
    (tmp_path / "Get-LabHost.ps1").write_bytes(b"param()\r\n'x'\r\n")
    calls = Calls(tmp_path, tmp_path)
    assert calls.scripts(b"[{}]\nprelude\n\fparam()\n'x'\n") == ["Get-LabHost"]
    assert calls.scripts(b"[{}]\nprelude\n\fparam()\n'y'\n") == [None]
    assert calls.scripts(b"") == [None]


@pytest.mark.parametrize(("script", "mutating"), [("Get-LabHost", False), ("New-LabMachine", True), (None, True)])
def test_only_a_known_read_counts_as_one(tmp_path: Path, script: str | None, mutating: bool) -> None:
    calls = Calls(tmp_path)
    calls.record([script], 0)
    assert json.loads(calls.path.read_text())["mutating"] is mutating


def test_faults_apply_to_their_action_as_often_as_asked(tmp_path: Path) -> None:
    faults = Faults(tmp_path)
    assert faults.take("drop", "Command") is None
    (tmp_path / "faults.json").write_text('[{"kind": "drop", "on": "Command", "times": 1}, {"kind": "401"}]')
    assert faults.take("drop", "Receive") is None
    assert faults.take("drop", "Command")
    assert faults.take("drop", "Command") is None
    assert faults.take("401")
    assert faults.take("401")
    (tmp_path / "faults.json").unlink()
    assert faults.take("401") is None


def test_an_unknown_fault_is_an_error_not_a_quiet_day(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"kind": "earthquake"}]')
    with pytest.raises(ValueError, match="earthquake"):
        Faults(tmp_path).take("drop")
