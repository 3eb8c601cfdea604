"""The remote shells of one PC: what each WS-Man action does to them."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from rehearsal.hosts import wsman
from rehearsal.hosts.commands import Command
from rehearsal.hosts.wsman import FaultError, Request

# Starts a command line in a shell with these environment variables.
Starter = Callable[[str, dict[str, str]], Command]


@dataclass
class Shell:
    """One remote shell: its environment and its commands."""

    environment: dict[str, str]
    commands: dict[str, Command] = field(default_factory=dict)


class Shells:
    """All shells of one PC; any connection may use any of them, as on Windows."""

    def __init__(self, start: Starter) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}

    def handle(self, request: Request) -> bytes:
        """Do what an envelope asks and return the answer's envelope; FaultError when it cannot be done."""
        actions: dict[str, Callable[[Request], bytes]] = {
            "Create": self._create,
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
            "Delete": self._delete,
        }
        return actions[request.action](request)

    def close(self) -> None:
        """End every command of every shell."""
        with self._lock:
            shells, self._shells = list(self._shells.values()), {}
        for shell in shells:
            _end(shell)

    def _create(self, request: Request) -> bytes:
        names = request.body.iterfind("rsp:Shell/rsp:Environment/rsp:Variable", wsman.NAMES)
        shell_id = str(uuid.uuid4()).upper()
        with self._lock:
            self._shells[shell_id] = Shell({str(name.get("Name")): name.text or "" for name in names})
        return wsman.created(request, shell_id)

    def _command(self, request: Request) -> bytes:
        shell = self._shell(request)
        words = [request.text("rsp:CommandLine/rsp:Command")]
        words += [part.text or "" for part in request.body.iterfind("rsp:CommandLine/rsp:Arguments", wsman.NAMES)]
        command_id = str(uuid.uuid4()).upper()
        command = self._start(" ".join(words), shell.environment)
        with self._lock:
            shell.commands[command_id] = command
        return wsman.started(request, command_id)

    def _send(self, request: Request) -> bytes:
        path = "rsp:Send/rsp:Stream"
        command = self._find(request, request.attribute(path, "CommandId"))
        data = base64.b64decode(request.text(path))
        command.feed(data, end=request.attribute(path, "End").lower() == "true")
        return wsman.done(request)

    def _receive(self, request: Request) -> bytes:
        command_id = request.attribute("rsp:Receive/rsp:DesiredStream", "CommandId")
        output = self._find(request, command_id).receive(request.timeout_s)
        if output is None:
            reason = "The WS-Management service cannot complete the operation within the time specified."
            raise FaultError(wsman.OPERATION_TIMEOUT, reason, "w:TimedOut")
        return wsman.received(request, command_id, *output)

    def _signal(self, request: Request) -> bytes:
        self._find(request, request.attribute("rsp:Signal", "CommandId")).terminate()
        return wsman.done(request)

    def _delete(self, request: Request) -> bytes:
        shell = self._shell(request)
        with self._lock:
            self._shells.pop(request.shell_id, None)
        _end(shell)
        return wsman.done(request)

    def _shell(self, request: Request) -> Shell:
        with self._lock:
            shell = self._shells.get(request.shell_id)
        if shell is None:
            reason = f"The shell was not found on the server: {request.shell_id or '(none given)'}."
            raise FaultError(wsman.UNEXPECTED_SELECTORS, reason, "w:InvalidSelectors")
        return shell

    def _find(self, request: Request, command_id: str) -> Command:
        command = self._shell(request).commands.get(command_id)
        if command is None:
            reason = f"The command was not found in the shell: {command_id or '(none given)'}."
            raise FaultError(wsman.SCHEMA_VALIDATION, reason, "w:SchemaValidationError")
        return command


def _end(shell: Shell) -> None:
    for command in shell.commands.values():
        command.terminate()
