"""A PC that was prepared for the other scheme is told by the port on which it listens; real sockets on this computer.

Windows' firewall answers nothing where it has no rule ("stealth mode"): a port that is not WinRM's is silent.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Literal

import pytest

from labkit.controller.secrets import Secret
from labkit.description.lab import WINRM_PORTS, Host
from labkit.errors import UnreachableError
from labkit.hyperv import trust
from labkit.session import Session
from labkit.transport import winrm
from labkit.transport.winrm import WinRm

pytestmark = pytest.mark.network
ADDRESS = "127.0.0.85"  # a loopback address of this file's own: WinRM's real ports are free there
Scheme = Literal["http", "https"]
OTHER: dict[Scheme, Scheme] = {"http": "https", "https": "http"}


class Pc:
    """One computer's TCP ports: those that listen, those that drop what comes, and all others, which refuse."""

    def __init__(self, open_until_end: ExitStack) -> None:
        self._open = open_until_end

    def drops(self, port: int) -> None:
        """Let a port answer nothing: Linux drops the connection attempts for which a full backlog has no room."""
        self.listens(port, backlog=0)
        for _ in range(2):
            waiting = self._open.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((ADDRESS, port))

    def listens(self, port: int, backlog: int = 16) -> None:
        listening = self._open.enter_context(socket.socket())
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ADDRESS, port))
        listening.listen(backlog)


@pytest.fixture
def pc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pc]:
    for module in (winrm, trust):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.3)
    with ExitStack() as open_until_end:
        yield Pc(open_until_end)


def host(scheme: Scheme, port: int | None = None) -> Host:
    return Host("pc1", ADDRESS, "lab", scheme, port or WINRM_PORTS[scheme], None)


def refusal(of: Host) -> UnreachableError:
    """What is said of a PC to which no connection can be made."""
    with pytest.raises(UnreachableError) as caught:
        WinRm(of, Secret("p4ss")).run("powershell.exe", b"{}", 60)
    return caught.value


@pytest.mark.parametrize("scheme", WINRM_PORTS)
@pytest.mark.parametrize("silence", ["drops", "refuses"])
def test_a_pc_prepared_for_the_other_scheme_is_told_with_what_to_write(pc: Pc, scheme: Scheme, silence: str) -> None:
    other = OTHER[scheme]
    pc.listens(WINRM_PORTS[other])
    if silence == "drops":
        pc.drops(WINRM_PORTS[scheme])
    told = refusal(host(scheme))
    assert f"host pc1 ({ADDRESS}) does not answer on port {WINRM_PORTS[scheme]} ({scheme})" in told.problem
    assert f"it listens on port {WINRM_PORTS[other]} ({other})" in told.problem
    hint = str(told.hint)
    assert f"`scheme: {other}`" in hint
    assert "Enable-LabHost.ps1" in hint
    assert ("without -Http" in hint, "with -Http" in hint) == (scheme == "https", scheme == "http")
    assert ("inv hyperv.trust" in hint) == (other == "https")


def test_trusting_a_pc_that_was_prepared_with_http_says_so(pc: Pc, session: Session) -> None:
    pc.drops(WINRM_PORTS["https"])
    pc.listens(WINRM_PORTS["http"])
    _, (error,) = trust.fetch(session, [host("https")])
    assert "listens on port 5985 (http)" in error.problem
    assert "`scheme: http`" in error.hint


def test_a_pc_that_is_silent_on_both_ports_is_off_or_not_prepared(pc: Pc) -> None:
    pc.drops(WINRM_PORTS["https"])
    pc.drops(WINRM_PORTS["http"])
    told = refusal(host("https"))
    assert "listens" not in told.problem
    assert "is the PC on" in str(told.hint)


def test_of_a_port_that_was_chosen_nothing_is_concluded_from_the_usual_ones(pc: Pc) -> None:
    """Behind a port that is passed on, the usual ports are another PC's."""
    pc.listens(WINRM_PORTS["http"])
    told = refusal(host("https", port=15986))
    assert "listens on" not in told.problem
    assert "port: 15986" in str(told.hint)
