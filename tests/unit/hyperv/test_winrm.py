"""The transport over a stand-in of pywinrm's Protocol: deadlines, clean-up, pieces, and failures in words."""

from __future__ import annotations

import itertools
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError

from labkit.controller.secrets import Secret
from labkit.description.lab import Host
from labkit.errors import DeadlineError, LabError, UnreachableError
from labkit.transport import winrm
from labkit.transport.winrm import DroppedError, WinRm

HOST = Host("pc1", "192.0.2.11", "lab", "http", 5985, None)
DONE = (b"out", b"err", 0, True)


class StandIn:
    """Records what pywinrm is asked; `receives` is what each Receive gives or raises."""

    made: list[StandIn]
    receives: Iterator[Any]
    operation_timeout_sec: int

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.asked: list[str] = []
        self.stdin: list[tuple[bytes, bool]] = []
        self.options: dict[str, Any] = {}
        StandIn.made.append(self)

    def open_shell(self, **options: Any) -> str:
        self.open_s = self.operation_timeout_sec
        self.asked.append("open")
        self.options |= options
        return "shell"

    def run_command(self, shell: str, command: str, **options: Any) -> str:
        self.asked.append("run")
        self.options |= options
        return "command"

    def send_command_input(self, shell: str, command: str, data: bytes, end: bool) -> None:
        self.stdin.append((data, end))

    def get_command_output_raw(self, shell: str, command: str) -> Any:
        self.receive_s = self.operation_timeout_sec
        answer = next(StandIn.receives)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cleanup_command(self, shell: str, command: str) -> None:
        self.asked.append("cleanup")

    def close_shell(self, shell: str, close_session: bool) -> None:
        self.asked.append("close")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn.made = []
    StandIn.receives = iter([DONE])
    monkeypatch.setattr(winrm, "WsMan", StandIn)
    monkeypatch.setattr(WinRm, "_probe", lambda self: None)
    monkeypatch.setattr(winrm, "knock", lambda *_: None)


def link(host: Host = HOST) -> WinRm:
    return WinRm(host, Secret("p4ss"))


def run(link_: WinRm, stdin: bytes = b"{}", deadline_s: float = 60) -> winrm.Output:
    return link_.run("powershell.exe", stdin, deadline_s)


def test_a_call_opens_runs_and_always_tidies() -> None:
    assert run(link()) == winrm.Output(b"out", b"err", 0)
    assert StandIn.made[0].asked == ["open", "run", "cleanup", "close"]


def test_messages_over_http_are_always_encrypted_and_utf8() -> None:
    run(link())
    made = StandIn.made[0]
    assert made.settings["message_encryption"] == "always"
    assert made.settings["transport"] == "ntlm"
    assert made.settings["proxy"] == ""
    assert made.settings["ca_trust_path"] is None
    assert made.options == {"codepage": 65001, "console_mode_stdin": False}


def test_a_first_log_on_has_its_time_and_a_receive_is_short_so_that_deadlines_are_met() -> None:
    run(link())
    made = StandIn.made[0]
    assert (made.open_s, made.settings["read_timeout_sec"]) == (60, 90)
    assert made.receive_s <= 15


@pytest.mark.parametrize("pieces", [[winrm.PIECE, winrm.PIECE, 1], [0]], ids=["three", "none"])
def test_standard_input_goes_in_pieces_and_is_closed_with_the_last(pieces: list[int]) -> None:
    run(link(), b"x" * sum(pieces))
    ends = [False] * (len(pieces) - 1) + [True]
    assert StandIn.made[0].stdin == [(b"x" * size, end) for size, end in zip(pieces, ends, strict=True)]


def test_a_host_that_hangs_is_not_asked_to_tidy_for_two_time_outs_more() -> None:
    StandIn.receives = iter([requests.ReadTimeout("slow")])
    with pytest.raises(DroppedError):
        run(link())
    assert StandIn.made[0].asked == ["open", "run"]


def test_output_that_comes_in_pieces_is_joined_over_silent_spells() -> None:
    silence = WinRMOperationTimeoutError()
    StandIn.receives = iter(
        [(b"a", b"", -1, False), silence, (b"b" * 500_000, b"", -1, False), silence, (b"c", b"", 3, True)]
    )
    assert run(link()) == winrm.Output(b"a" + b"b" * 500_000 + b"c", b"", 3)


def test_a_command_that_never_ends_meets_its_deadline_and_is_tidied(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=20)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    StandIn.receives = itertools.repeat(WinRMOperationTimeoutError())
    with pytest.raises(DeadlineError, match="host pc1"):
        run(link(), deadline_s=100)
    assert StandIn.made[0].asked == ["open", "run", "cleanup", "close"]


def of_tls(below: ssl.SSLError) -> requests.exceptions.SSLError:
    """What requests makes of an error of Python's ssl."""
    error = requests.exceptions.SSLError("Max retries exceeded")
    error.__context__ = below
    return error


DENIED = WSManFaultError(500, "", "", "denied", wsman_fault_code=5)
FAILURES: dict[str, tuple[Exception, type[LabError], str, str]] = {
    "401": (InvalidCredentialsError("rejected"), UnreachableError, "refuses lab", "LAB_PASSWORD_PC1"),
    "401 of a right password": (
        InvalidCredentialsError("rejected"),
        UnreachableError,
        "refuses lab",
        "A right one is refused by PCs cloned from one image (event 6167 there), and where a policy restricts NTLM",
    ),
    "dropped": (requests.ConnectionError("reset"), DroppedError, "was lost", "repeat"),
    "hangs": (requests.ReadTimeout("slow"), DroppedError, "was lost", "repeat"),
    "certificate": (of_tls(ssl.SSLCertVerificationError("x")), UnreachableError, "not the one", "hyperv.trust"),
    "hung up within TLS": (of_tls(ssl.SSLEOFError(8, "EOF")), DroppedError, "was lost", "repeat"),
    "closed within TLS": (of_tls(ssl.SSLZeroReturnError(6, "closed")), DroppedError, "was lost", "repeat"),
    "no TLS": (of_tls(ssl.SSLError(1, "x")), UnreachableError, "speaks no TLS", "`scheme: http`"),
    "filtered rights": (DENIED, UnreachableError, "denies it the rights", "LocalAccountTokenFilterPolicy"),
    "fault": (WSManFaultError(500, "", "", "quota"), DroppedError, "quota", "repeat"),
}


@pytest.mark.parametrize(("failure", "kind", "says", "hint"), FAILURES.values(), ids=FAILURES)
def test_each_failure_becomes_one_error_that_names_the_host_and_no_password(
    failure: Exception, kind: type[LabError], says: str, hint: str
) -> None:
    StandIn.receives = iter([failure])
    with pytest.raises(UnreachableError) as caught:
        run(link())
    assert type(caught.value) is kind
    assert says in caught.value.problem
    assert "pc1 (192.0.2.11)" in caught.value.problem
    assert hint in str(caught.value.hint)
    assert "p4ss" not in str(caught.value)
    assert "p4ss" not in repr(link())


def test_calls_that_work_share_one_session_and_after_a_failure_the_next_starts_a_new_one() -> None:
    StandIn.receives = iter([requests.ConnectionError("reset"), DONE, DONE])
    pc = link()
    with pytest.raises(DroppedError):
        run(pc)
    run(pc)
    run(pc)
    assert len(StandIn.made) == 2  # a failed handshake must never leave a session whose messages are not encrypted


def test_a_shell_that_cannot_be_closed_does_not_hide_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("gone")

    monkeypatch.setattr(StandIn, "close_shell", fail)
    assert run(link()).code == 0


@pytest.mark.network
@pytest.mark.parametrize(
    ("address", "port", "hint"),
    [
        ("127.0.0.1", 9, "is `port: 9` right? Without it http is on 5985"),
        ("no-such-pc.invalid", 5985, "does `ipconfig` there show another address?"),
    ],
    ids=["closed", "of a name that does not resolve"],
)
def test_a_port_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str, port: int, hint: str
) -> None:
    monkeypatch.undo()
    with pytest.raises(UnreachableError, match=rf"host pc1 \({address}\) does not answer on port {port}") as caught:
        run(link(Host("pc1", address, "lab", "http", port, None)))
    assert "Enable-LabHost.ps1" in str(caught.value.hint)
    assert hint in str(caught.value.hint)
