"""A small SSH server on loopback: real protocol, real commands, and what it saw is kept for the tests to look at."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import paramiko
import pytest
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_CONNECT_FAILED,
    OPEN_SUCCEEDED,
)

from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab, Machine
from labkit.transport.ssh import Machines


class Session(paramiko.ServerInterface):
    """One client's rights: the lab's key alone; commands and forwarded connections."""

    def __init__(self, server: SshServer) -> None:
        self.server = server

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.server.offered.append(key.get_base64())
        allowed = username == "lab" and key.get_base64() == self.server.client_key
        return AUTH_SUCCESSFUL if allowed else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self.server.forwarded.append(destination[0])
        try:
            self.server.sockets[chanid] = socket.create_connection(destination, timeout=2)
        except OSError:
            return OPEN_FAILED_CONNECT_FAILED
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.server.commands.append(command.decode())
        threading.Thread(target=self.server.execute, args=(channel, command), daemon=True).start()
        return True


class SshServer:
    """Listens at `address`; `cut` ends every connection as a crash would."""

    def __init__(self, address: str, port: int, host_key: Path, client_key: str, tools: Path) -> None:
        self.host_key = paramiko.Ed25519Key.from_private_key_file(str(host_key))
        self.client_key = client_key
        self.tools = tools
        self.offered: list[str] = []
        self.forwarded: list[str] = []
        self.commands: list[str] = []
        self.sockets: dict[int, socket.socket] = {}
        self.transports: list[paramiko.Transport] = []
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for transport in self.transports:
            transport.close()

    def close(self) -> None:
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed by `close`
            while True:
                connection, _ = self.listener.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(self.host_key)
                self.transports.append(transport)
                threading.Thread(target=self._serve, args=(transport,), daemon=True).start()

    def _serve(self, transport: paramiko.Transport) -> None:
        try:
            transport.start_server(server=Session(self))
        except (paramiko.SSHException, EOFError):
            return  # the client went away: it did not like our host key
        channels = []  # a transport itself holds its channels only weakly
        while transport.is_active():
            channel = transport.accept(0.2)
            channels.append(channel)
            if channel is not None and channel.chanid in self.sockets:
                self._forward(channel, self.sockets.pop(channel.chanid))

    def _forward(self, channel: paramiko.Channel, target: socket.socket) -> None:
        def copy(source: socket.socket | paramiko.Channel, sink: socket.socket | paramiko.Channel) -> None:
            with contextlib.suppress(OSError, EOFError):  # the test cut the connection
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.close()

        target.settimeout(None)
        for source, sink in ((channel, target), (target, channel)):
            threading.Thread(target=copy, args=(source, sink), daemon=True).start()

    def execute(self, channel: paramiko.Channel, command: bytes) -> None:
        """Run the command with the stub `sudo` on its PATH."""
        first = channel.recv(65536)  # a client writes, or ends its input, once it knows that the command was accepted
        path = f"{self.tools}:{os.environ['PATH']}"
        process = subprocess.Popen(
            ["bash", "-c", command.decode()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PATH": path}, cwd=self.tools.parent,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stderr

        def feed() -> None:
            assert process.stdin
            with contextlib.suppress(OSError):
                process.stdin.write(first)
                while first and (data := channel.recv(65536)):
                    process.stdin.write(data)
                process.stdin.close()

        def pour() -> None:
            assert process.stderr
            channel.sendall_stderr(process.stderr.read())

        threads = [threading.Thread(target=work, daemon=True) for work in (feed, pour)]
        for thread in threads:
            thread.start()
        with contextlib.suppress(OSError):
            while data := os.read(process.stdout.fileno(), 65536):
                channel.sendall(data)
            threads[1].join()
            channel.send_exit_status(process.wait())
        if channel.closed:
            process.kill()
        process.wait()
        channel.close()


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / ".lab" / "7e57")
    keys.ensure_lab_keys(found, "lab-7e57", "bootstrap")
    return found


@pytest.fixture
def loopback_lab(lab: Lab) -> Lab:
    """The rehearsal's lab, its bootstrap server at 127.0.0.1 and every other machine at 127.0.0.<number>."""
    return replace(lab, machines=tuple(map(_moved, lab.machines)))


def _moved(machine: Machine) -> Machine:
    address = IPv4Address(f"127.0.0.{machine.number}")
    return replace(
        machine,
        mgmt=replace(machine.mgmt, address=address),
        external=replace(machine.external, address=address),
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A `sudo` that only drops its options: tests need no root."""
    folder = tmp_path / "home" / "bin"
    folder.mkdir(parents=True)
    sudo = folder / "sudo"
    sudo.write_text('#!/bin/sh\n[ "$1 $2" = "-n --" ] || exit 90\nshift 2\nexec "$@"\n')
    sudo.chmod(0o755)
    return folder


@pytest.fixture
def bootstrap_server(state: StateDir, tools: Path) -> Iterator[SshServer]:
    """The bootstrap server, with the host key that was made for it, pinned."""
    with _pinned(state, tools, "127.0.0.1", 0, state.bootstrap / keys.HOST_KEY) as server:
        yield server


@pytest.fixture
def cp1_server(state: StateDir, tools: Path, tmp_path: Path, bootstrap_server: SshServer) -> Iterator[SshServer]:
    """cp1 at 127.0.0.2, the same port, pinned."""
    keys.ensure_key_pair(state, tmp_path / "cp1_key", "cp1", "bootstrap")
    with _pinned(state, tools, "127.0.0.2", bootstrap_server.port, tmp_path / "cp1_key") as server:
        yield server


@contextlib.contextmanager
def _pinned(state: StateDir, tools: Path, address: str, port: int, host_key: Path) -> Iterator[SshServer]:
    server = SshServer(address, port, host_key, keys.public_key(state).split()[1], tools)
    keys.pin(state, f"[{address}]:{server.port}", f"ssh-ed25519 {server.host_key.get_base64()}")
    with contextlib.closing(server):
        yield server


@pytest.fixture
def machines(loopback_lab: Lab, state: StateDir, bootstrap_server: SshServer) -> Iterator[Machines]:
    connections = Machines(loopback_lab, state, bootstrap_server.port)
    yield connections
    connections.close()
