"""SSH to the machines: the bootstrap server at its EXTERNAL address, every other one through it at its MGMT address.

The only importer of fabric. Fabric auto-accepts unknown host keys and reads ~/.ssh/config; here only host keys that the
lab pinned are accepted, on the jump host too, and only the lab's own key is offered. Safe to use from several threads:
one connection a machine, one channel a command.
"""

from __future__ import annotations

import atexit
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from fabric import Config, Connection

from labkit import threads
from labkit.controller.state import StateDir
from labkit.description.lab import Lab, Machine
from labkit.errors import DeadlineError, MissingError, UnreachableError
from labkit.transport.remote import Remote, Result, short

__all__ = ["Link", "Machines", "Remote", "Result"]

CONNECT_TIMEOUT_S = 10
KEEPALIVE_S = 15
WHERE_TO_LOOK = "run `inv hyperv.status` to see whether it is on, `inv os.status` for all machines"
GREETING_S = 4.0  # sshd makes a process for whoever comes, which takes a moment on a machine that is busy

# paramiko logs whole tracebacks of refused connections to standard error unless somebody takes its log.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Machines:
    """Connections to the lab's machines, opened when first used and kept for the run."""

    def __init__(self, lab: Lab, state: StateDir, port: int = 22) -> None:
        self._lab = lab
        self._state = state
        self._port = port
        self._remotes: dict[str, Remote] = {}
        self._lock = threading.RLock()
        atexit.register(self.close)

    def bootstrap(self) -> Remote:
        return self.to(self._lab.bootstrap)

    def to(self, machine: Machine) -> Remote:
        """The machine's remote shell; nothing is opened before its first command."""
        with self._lock:
            if machine.name not in self._remotes:
                direct = machine == self._lab.bootstrap
                address = str(machine.external.address if direct else machine.mgmt.address)
                gateway = None if direct else self.bootstrap().link
                link = Link(machine.name, address, self._port, self._lab.machine_user, self._state, gateway)
                self._remotes[machine.name] = Remote(link)
            return self._remotes[machine.name]

    def is_up(self, machine: Machine) -> bool:
        """Whether a command can be run there now; a few seconds at most."""
        try:
            return self.to(machine).run("true", check=False, timeout_s=CONNECT_TIMEOUT_S).code == 0
        except (UnreachableError, DeadlineError):
            return False

    def listens(self, timeout_s: float) -> bool:
        """Whether the bootstrap server takes a connection within that time, and greets as SSH; nothing is sent."""
        return self.bootstrap().link.listens(timeout_s)

    def forget(self, machine: Machine) -> None:
        """Close the connection of a machine that was switched off or installed anew, so that no dead one is used."""
        with self._lock:
            remote = self._remotes.pop(machine.name, None)
        if remote:
            remote.close()

    def close(self) -> None:
        with self._lock:
            remotes = list(self._remotes.values())
            self._remotes.clear()
        for remote in reversed(remotes):  # the bootstrap server, which carries the others, last
            remote.close()


class Link:
    """The connection to one machine, opened by whoever needs it first; `gateway` is the one it goes through."""

    def __init__(
        self, name: str, address: str, port: int, user: str, state: StateDir, gateway: Link | None = None
    ) -> None:
        self.name = name
        self.address = address
        self._port = port
        self._user = user
        self._state = state
        self._gateway = gateway
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def stream(self, command: str, tick_s: float) -> Iterator[bytes | None]:
        """Yield what `command` writes on both outputs as it comes; None whenever `tick_s` seconds pass in silence."""
        channel = self._channel()
        try:
            channel.set_combine_stderr(True)
            channel.settimeout(tick_s)
            channel.exec_command(command)
            channel.shutdown_write()
            while True:
                try:
                    chunk = channel.recv(65536)
                except TimeoutError:
                    yield None
                    continue
                if not chunk:
                    break
                yield chunk
            if channel.recv_exit_status() < 0:  # paramiko's word for none received
                raise UnreachableError(f"{self.name} ({self.address}): the connection broke", WHERE_TO_LOOK)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._unreachable(error) from None
        finally:
            _close(channel)

    def listens(self, timeout_s: float) -> bool:
        """Whether the port takes a connection within `timeout_s` seconds, and SSH greets there within GREETING_S.

        Only for a machine without a gateway.
        """
        try:
            with socket.create_connection((self.address, self._port), timeout_s) as connection:
                connection.settimeout(GREETING_S)
                return connection.recv(255).startswith(b"SSH-")
        except OSError:
            return False

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def execute(self, command: str, data: bytes | None, timeout_s: float) -> tuple[bytes, bytes, int]:
        """Run `command` with `data` on its standard input; return both outputs and the exit code."""
        # Not Connection.run: Invoke's runner feeds standard input one character a loop and decodes in the controller's
        # own encoding. The channel takes bytes.
        channel = self._channel()
        with _closed_after(channel, timeout_s) as expired:
            try:
                stdout, stderr, code = threads.result(threads.start(lambda: _exchange(channel, command, data)))
            except (paramiko.SSHException, EOFError, OSError):
                code = -1  # as when the connection breaks before an exit code came
        if expired.is_set():
            raise DeadlineError(f"{self.name}: `{short(command)}` did not end within {timeout_s:.0f} s")
        if code < 0:
            broke = f"{self.name} ({self.address}): the connection broke during `{short(command)}`"
            raise UnreachableError(broke, WHERE_TO_LOOK)
        return stdout, stderr, code

    def _channel(self) -> Any:
        try:
            return self._open().create_session()
        except (paramiko.SSHException, EOFError, OSError):
            self.close()  # it died since it was used last, as after a reboot: a fresh one gets one try
        try:
            return self._open().create_session()
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._unreachable(error) from None

    def _open(self) -> Connection:
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> Connection:
        connection = Connection(
            self.address,
            user=self._user,
            port=self._port,
            gateway=self._gateway._open() if self._gateway else None,
            connect_timeout=CONNECT_TIMEOUT_S,
            forward_agent=False,
            config=Config(lazy=True),  # lazy: neither ~/.ssh/config nor fabric.yaml is read
            connect_kwargs={
                "pkey": self._key(),
                "allow_agent": False,
                "look_for_keys": False,
                "banner_timeout": CONNECT_TIMEOUT_S,
                "auth_timeout": CONNECT_TIMEOUT_S,
            },
        )
        if self._state.known_hosts.exists():
            connection.client.load_system_host_keys(str(self._state.known_hosts))
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            connection.open()
        except (paramiko.SSHException, EOFError, OSError) as error:
            connection.close()
            raise self._unreachable(error) from None
        connection.transport.set_keepalive(KEEPALIVE_S)
        connection.transport.channel_timeout = CONNECT_TIMEOUT_S  # paramiko's own default is an hour
        return connection

    def _key(self) -> paramiko.Ed25519Key:
        if not self._state.private_key.exists():
            raise MissingError("this lab has no SSH key yet", "run `inv os.bootstrap`, which makes it")
        return paramiko.Ed25519Key.from_private_key_file(str(self._state.private_key))

    def _unreachable(self, error: Exception) -> UnreachableError:
        problem, hint = _why(error)
        return UnreachableError(f"{self.name} ({self.address}): {problem}", hint)


def _why(error: Exception) -> tuple[str, str]:
    """What a failed connection means, and how to go on."""
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            "it shows another SSH host key than the one pinned when it was installed",
            "another machine may use that address; if it was reinstalled by hand, run `inv os.install`",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return "it refuses the lab's SSH key", "another machine may use that address: look at its console"
    if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
        return (
            "its SSH host key is not known to this lab",
            "run `inv os.install`, which pins the keys of machines it installs",
        )
    detail = str(error) or type(error).__name__
    return f"no SSH connection: {detail}", WHERE_TO_LOOK


@contextmanager
def _closed_after(channel: Any, timeout_s: float) -> Iterator[threading.Event]:
    """Close the channel at the end of the block, or after `timeout_s` seconds: then the event is set."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _close(channel)

    timer = threading.Timer(timeout_s, expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()
        _close(channel)


def _exchange(channel: Any, command: str, data: bytes | None) -> tuple[bytes, bytes, int]:
    """All of a command on its channel, each of its three streams in a thread, so that none of them holds another up."""
    channel.exec_command(command)
    stderr = threads.start(channel.makefile_stderr("rb").read)
    threads.start(lambda: _send(channel, data))
    stdout = channel.makefile("rb").read()
    return stdout, threads.result(stderr), channel.recv_exit_status()


def _close(channel: Any) -> None:
    try:
        channel.close()
    except (paramiko.SSHException, EOFError, OSError):
        return  # its connection died before it: nothing is left to close


def _send(channel: Any, data: bytes | None) -> None:
    try:
        if data:
            channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        return  # the command ended without reading all of it; its exit code says how that went
