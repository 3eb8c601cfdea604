"""The WinRM service of one stand-in PC: HTTP, NTLM, encrypted SOAP messages, remote shells."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rehearsal.hosts import clixml, lan, ntlm, outage, wsman
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.commands import Command, Refusal
from rehearsal.hosts.faults import ERROR, WARNING, Faults
from rehearsal.hosts.launch import Launcher
from rehearsal.hosts.ntlm import Accounts, Authentication
from rehearsal.hosts.scheduler import Scheduler
from rehearsal.hosts.shells import Shells
from rehearsal.hosts.state import HostState, initial

PORT = 5985
RESTART_S = 0.5
IDLE_S = 120.0  # Windows' HTTP service closes a connection on which nothing came for so long
SOAP = "application/soap+xml;charset=UTF-8"


def serve(
    host: str,
    address: str,
    port: int,
    root: Path,
    user: str,
    password: str,
    pwsh: Path | None,
    certificate: Path | None = None,
) -> Endpoint:
    """Make (not yet start) the WinRM service of PC `host` on `address`:`port` (0: any free port).

    `root` is the rehearsal's folder; a PC that has no state there is made fresh. With `pwsh` the project's scripts
    really run; with None they are answered by their JSON contract. With `certificate`, a PEM file that also holds the
    key, it speaks HTTPS.
    """
    state = HostState(root, host)
    if not state.version():
        state.make(initial(host, address=address))
    return Endpoint(state, (address, port), Accounts(host, user, password), pwsh, certificate)


class Endpoint(ThreadingHTTPServer):
    """One PC's WinRM service; a thread a connection."""

    daemon_threads = True
    request_queue_size = 128
    idle_s = IDLE_S

    def __init__(
        self,
        state: HostState,
        address: tuple[str, int],
        accounts: Accounts,
        pwsh: Path | None,
        certificate: Path | None = None,
    ) -> None:
        self.accounts = accounts
        self._state = state
        self.faults = Faults(state.folder)
        self._calls = Calls(state.folder)
        self._launcher = Launcher(state, pwsh, self._calls)
        self.shells = Shells(self._launch)
        self._scheduler = Scheduler(state, self._launcher.begin)
        self._down_until = 0.0
        self._has_address = any(one["address"] == address[0] for one in state.read()["addresses"])
        super().__init__(address, Handler)
        self.is_secure = certificate is not None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake belongs to the connection's own thread: a slow client must not keep others waiting.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.2,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def takes_basic(self) -> bool:
        """Whether WSMan:\\localhost\\Service\\Auth\\Basic is set there, and counts: not without TLS."""
        return self.is_secure and bool(self._state.read().get("basic"))

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take a connection, unless it is to be reset on purpose."""
        if self.is_away_for(client_address[0]) or self.faults.take("refuse"):
            reset_on_close(request)
            return False
        return True

    def is_away_for(self, client: str) -> bool:
        """Whether the PC is just starting again, or its network does not work; the PC itself needs no network."""
        if time.monotonic() < self._down_until:
            return True
        own = str(self.server_address[0])
        if client == own or not self._has_address:
            return False
        state = self._state.read()
        return not lan.is_up(state) or all(one["address"] != own for one in state["addresses"])

    def reboot(self, seconds: float) -> None:
        """Go down for some seconds; what runs in the shells ends."""
        self._down_until = time.monotonic() + seconds
        self.shells.close()
        self._scheduler.restart(seconds)

    def power_failed(self) -> bool:
        """Whether the PC lost its power while it did what was asked; it starts again by itself."""
        if not outage.over(self._state):
            return False
        self.reboot(RESTART_S)
        return True

    def _launch(self, line: str, environment: dict[str, str]) -> Command:
        """Start a command line in a shell, with the faults that concern its streams."""
        if self.faults.take("translated"):
            return Refusal(clixml.stderr(ERROR).decode(), self._calls)
        command = self._launcher.start(line, environment)
        if self.faults.take("noise"):
            command.say(clixml.stderr(WARNING))
        return command

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that leave in the middle, or that do not trust the certificate."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def start(self) -> None:
        """Begin to answer, in threads of its own."""
        self._thread.start()
        self._scheduler.start()

    def stop(self) -> None:
        """Stop answering and end what still runs in the shells."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        self._scheduler.stop()
        self.shells.close()


class Handler(BaseHTTPRequestHandler):
    """One connection: it authenticates once, then carries encrypted messages."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    # A response's head and body leave in one piece: two small ones would wait for each other's acknowledgement.
    wbufsize = -1
    server: Endpoint

    def setup(self) -> None:
        """Prepare a connection: nobody is logged on."""
        super().setup()
        self.connection.settimeout(self.server.idle_s)
        self.authentication = Authentication(self.server.accounts)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: `calls.jsonl` is the journal."""

    def do_POST(self) -> None:
        """Take one HTTP request: a step of the log-on, or a message."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault := self.server.faults.take("web"):
            self._reply(fault["status"])
            return
        header = self.headers.get("Authorization")
        if header or not self.authentication.complete:
            if not self._log_on(header):
                return
            if not body:
                self._reply(200)
                return
        self._message(body)

    def _log_on(self, header: str | None) -> bool:
        """Do one step of NTLM; return whether the client is in."""
        if header and self.server.takes_basic and self.server.accounts.opens(header):
            return True
        challenge: str | None = "Negotiate"
        if header and (fault := self.server.faults.take("no ntlm")):
            challenge = f"Negotiate {fault.get('token', '')}".strip()
        elif header:
            try:
                challenge = self.authentication.answer(header)
            except ntlm.LogOnError:
                challenge = "Negotiate"
        if challenge is None and self.server.faults.take("401"):
            self.authentication = Authentication(self.server.accounts)
            challenge = "Negotiate"
        if challenge is None:
            return True
        self._reply(401, challenge=challenge)
        return False

    def _message(self, body: bytes) -> None:
        if self.server.is_secure:  # TLS encrypts: the message itself comes as it is
            status, answer = self._act(body)
            if answer is not None:
                self._reply(status, answer, content_type=SOAP)
            return
        if not self.headers.get("Content-Type", "").startswith("multipart/encrypted"):
            self._reply(400)  # AllowUnencrypted is false, as on any Windows.
            return
        try:
            message = self.authentication.decrypt(body)
        except ntlm.LogOnError:
            self._reply(400)
            return
        status, answer = self._act(message)
        if answer is not None:
            self._reply(status, self.authentication.encrypt(answer))

    def _act(self, message: bytes) -> tuple[int, bytes | None]:
        """Do what an envelope asks, with the faults asked for; no answer when the connection was dropped."""
        message_id = ""
        try:
            request = wsman.parse(message)
            message_id = request.message_id
            for kind in ("hang", "slow"):
                if fault := self.server.faults.take(kind, request.action):
                    time.sleep(fault.get("seconds", 1))
            if fault := self.server.faults.take("reboot", request.action):
                self.server.reboot(fault["seconds"])
            if self.server.is_away_for(self.client_address[0]):
                self._reset()
                return 0, None
            answer = self.server.shells.handle(request)
            if self.server.faults.take("drop", request.action) or self.server.power_failed():
                self._reset()
                return 0, None
        except wsman.FaultError as fault:
            return 500, wsman.refused(fault, message_id)
        return 200, answer

    def _reply(
        self, status: int, body: bytes = b"", challenge: str | None = None, content_type: str = ntlm.CONTENT_TYPE
    ) -> None:
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        if challenge and self.server.takes_basic:
            self.send_header("WWW-Authenticate", 'Basic realm="WSMAN"')
        if body:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """Drop the connection without an answer."""
        self.close_connection = True
        reset_on_close(self.connection)


def reset_on_close(connection: socket.socket) -> None:
    """Let a connection end with a reset, so that the client cannot take it for an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
