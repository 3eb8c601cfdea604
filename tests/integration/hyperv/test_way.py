"""The way to a PC where something else is there, or something is switched off: real sockets, real pywinrm.

Each ends in one error that names the host, and never in the advice to repeat what cannot succeed.
"""

from __future__ import annotations

import base64
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.errors import ConfigError, DeadlineError, LabError, UnreachableError
from labkit.hyperv import create, hosts
from labkit.transport import knock, winrm
from rehearsal.hosts.endpoint import Endpoint
from tests.integration.hyperv.conftest import PASSWORD, answering

pytestmark = pytest.mark.network
PLAIN, SECURE = "pc2", "pc1"  # the scheme of each in the rehearsal's lab
KERBEROS = "YIIBhwYGKwYBBQUCoIIBezCC"  # how a token of SPNEGO begins that holds no NTLM


@pytest.fixture
def pcs(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    with answering(lab, tmp_path, None) as running:
        yield running


def refusal(pcs: Any, host: str) -> LabError:
    """What is said of that host, within seconds, while the other one answers."""
    begun = time.monotonic()
    facts, errors = pcs.session().hosts.survey()
    assert time.monotonic() - begun < 30
    assert set(facts) == {PLAIN, SECURE} - {host}
    (error,) = errors
    assert type(error) is UnreachableError
    assert error.problem.startswith(f"host {host} (127.0.0.1)")
    assert "repeat" not in error.hint
    assert PASSWORD not in str(error)
    return error


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a web page": ({"kind": "web", "status": 200}, "something else than WinRM", "Enable-LabHost"),
    "a web page elsewhere": ({"kind": "web", "status": 302}, "302", "Enable-LabHost"),
    "Windows without WinRM": ({"kind": "web", "status": 404}, "404", "Enable-LabHost"),
    "no token": ({"kind": "no ntlm"}, "takes no NTLM", "auth: basic"),
    "another token": ({"kind": "no ntlm", "token": KERBEROS}, "takes no NTLM", "auth: basic"),
}


@pytest.mark.parametrize("host", [PLAIN, SECURE])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_server_that_is_no_winrm_or_takes_no_ntlm_is_named(pcs: Any, wrong: str, host: str) -> None:
    fault, says, hint = WRONG[wrong]
    pcs.fault(host, fault)
    error = refusal(pcs, host)
    assert says in error.problem
    assert hint in error.hint


def moved_to(pcs: Any, host: str, **changes: Any) -> Any:
    """The same PCs, one of them described otherwise."""
    hosts = tuple(replace(one, **changes) if one.name == host else one for one in pcs.lab.hosts)
    return replace(pcs, lab=replace(pcs.lab, hosts=hosts))


def test_http_on_a_port_for_tls_is_told_with_what_to_write(pcs: Any) -> None:
    error = refusal(moved_to(pcs, SECURE, scheme="http"), SECURE)
    assert "speaks TLS" in error.problem
    assert "`scheme: https`" in error.hint
    assert "inv hyperv.trust" in error.hint


def test_tls_on_a_port_for_http_is_told_with_what_to_write(pcs: Any) -> None:
    plain = pcs.lab.hosts[1].port
    error = refusal(moved_to(pcs, SECURE, port=plain), SECURE)
    assert f"speaks no TLS on port {plain}" in error.problem
    assert "`scheme: http`" in error.hint


def says(greeting: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(greeting)


def drips(connection: socket.socket) -> None:
    """Say a little so often that no pause is ever long."""
    for letter in b"HTTP/1.1 401 " + b"x" * 600:
        connection.sendall(bytes([letter]))
        time.sleep(0.1)


@pytest.fixture
def listening() -> Iterator[Callable[..., int]]:
    """Start a server that does one thing with each connection and leaves it open; gives its port."""
    begun: list[socket.socket] = []

    def start(does: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        begun.append(server)

        def serve(connection: socket.socket) -> None:
            begun.append(connection)
            with suppress(OSError):  # the client had enough
                does(connection)

        def accept() -> None:
            with suppress(OSError):  # closed: the test is over
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for one in begun:
        one.close()


def test_a_server_of_another_protocol_is_named(pcs: Any, listening: Callable[..., int]) -> None:
    port = listening(says(b"SSH-2.0-OpenSSH_9.5\r\n"))
    error = refusal(moved_to(pcs, PLAIN, port=port), PLAIN)
    assert "something else than WinRM" in error.problem
    assert "port" in error.hint


def test_a_winrm_that_hangs_is_named(pcs: Any, listening: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knock, "ANSWER_TIMEOUT_S", 1.0)
    error = refusal(moved_to(pcs, PLAIN, port=listening(says(b""))), PLAIN)
    assert "says nothing" in error.problem
    assert "Restart-Service WinRM" in error.hint


def test_a_server_that_drips_is_given_up(
    pcs: Any, listening: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "READ_DEADLINE_S", 1.0)
    monkeypatch.setattr(hosts, "GRACE_S", 9.0, raising=False)
    facts, errors = moved_to(pcs, PLAIN, port=listening(drips)).session().hosts.survey()
    assert set(facts) == {SECURE}
    assert [type(error) for error in errors] == [DeadlineError]


def with_basic(pcs: Any) -> Any:
    """The same PCs; NTLM is switched off on the one with TLS, which is described with Basic and takes it."""
    pcs.fault(SECURE, {"kind": "no ntlm"})
    with pcs.state(SECURE).change() as state:
        state["basic"] = True
    return moved_to(pcs, SECURE, auth="basic")


def test_where_ntlm_is_switched_off_basic_over_tls_is_a_way_in(pcs: Any, caplog: pytest.LogCaptureFixture) -> None:
    pcs = with_basic(pcs)
    with caplog.at_level(logging.DEBUG):
        assert set(pcs.session().hosts.read()) == {PLAIN, SECURE}
    encoded = base64.b64encode(f"lab:{PASSWORD}".encode()).decode()
    assert not [text for text in caplog.messages if PASSWORD in text or encoded in text]


def test_a_pc_that_takes_no_basic_is_told_with_the_command_that_lets_it(pcs: Any) -> None:
    error = refusal(moved_to(pcs, SECURE, auth="basic"), SECURE)
    assert "takes no Basic log-on; it offers Negotiate" in error.problem
    assert r"Set-Item WSMan:\localhost\Service\Auth\Basic $true" in error.hint


@pytest.mark.parametrize(("password", "kind"), [("wrong", UnreachableError), ("비밀번호", ConfigError)])
def test_a_wrong_password_and_one_that_basic_cannot_carry_are_told(
    pcs: Any, monkeypatch: pytest.MonkeyPatch, password: str, kind: type[LabError]
) -> None:
    pcs = with_basic(pcs)
    monkeypatch.setenv("LAB_PASSWORD_PC1", password)
    _, (error,) = pcs.session().hosts.survey()
    assert type(error) is kind
    assert "LAB_PASSWORD_PC1" in str(error)
    assert password not in str(error).replace("wrong password", "")


def test_a_write_after_a_long_silence_goes_through(pcs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The PC closed the connection meanwhile, as while somebody thinks about a question."""
    monkeypatch.setattr(Endpoint, "idle_s", 1.0)
    monkeypatch.setattr(winrm, "IDLE_S", 0.5)
    session = pcs.session()
    session.hosts.survey(probe=True)
    time.sleep(2)
    create.create(session)
    calls = [call for call in pcs.calls() if call[1] == "New-LabMachine"]
    assert sorted(calls) == [("pc1", "New-LabMachine"), ("pc2", "New-LabMachine")]


def test_debugging_shows_nothing_of_the_log_on(pcs: Any, caplog: pytest.LogCaptureFixture) -> None:
    """From challenge and response the password can be guessed at leisure, and `inv -d` gets pasted into reports."""
    with caplog.at_level(logging.DEBUG):
        pcs.session().hosts.read()
    assert [record for record in caplog.records if record.name.startswith("urllib3")], "debugging was on"
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("spnego")]
