"""One command in a remote shell: its input, its output as it comes, and its end."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from rehearsal.hosts import clixml
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.outage import PowerFailsError

Streams = list[tuple[str, bytes]]
# Given the scripts' names and all of standard input, what they answer: their joint stdout and exit code.
Answerer = Callable[[Sequence[str | None], bytes], tuple[bytes, int]]

KILLED = 1
PIECE_BYTES = 65536


class Command(ABC):
    """A command whose output is read piece by piece, possibly by another connection than the one that started it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Streams = []
        self._exit_code: int | None = None

    @abstractmethod
    def feed(self, data: bytes, *, end: bool) -> None:
        """Give the command a piece of its standard input; `end` closes it."""

    @abstractmethod
    def terminate(self) -> None:
        """End the command as a signal from the client does."""

    def receive(self, timeout_s: float) -> tuple[Streams, int | None] | None:
        """Return what was written since the last call, and the exit code once it ended; None when nothing came."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self._exit_code is not None, timeout_s):
                return None
            streams, self._waiting = self._waiting, []
            return streams, self._exit_code

    def say(self, stderr: bytes) -> None:
        """Put something on its stderr from outside."""
        self._write("stderr", stderr)

    def _write(self, stream: str, data: bytes) -> None:
        with self._changed:
            if data:
                self._waiting.append((stream, re.sub(rb"(?<!\r)\n", b"\r\n", data)))
            self._changed.notify_all()

    def _finish(self, exit_code: int) -> None:
        with self._changed:
            if self._exit_code is None:
                self._exit_code = exit_code
            self._changed.notify_all()


class Refusal(Command):
    """A command that cmd.exe itself ends at once with an error text."""

    def __init__(self, message: str, calls: Calls) -> None:
        super().__init__()
        self._write("stderr", message.encode() + b"\n")
        self._finish(1)
        calls.record([None], time.time())

    def feed(self, data: bytes, *, end: bool) -> None:
        """Nobody reads it."""

    def terminate(self) -> None:
        """It has ended already."""


class Program(Command):
    """A real process: PowerShell with the arguments that powershell.exe was given."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], calls: Calls) -> None:
        super().__init__()
        self._calls = calls
        self._started = time.time()
        self._stdin = bytearray()
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(arguments, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
        threading.Thread(target=self._follow, daemon=True).start()

    def feed(self, data: bytes, *, end: bool) -> None:
        """Pass input on; a process that no longer reads loses it, as on Windows."""
        self._stdin += data
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(data)
            if end:
                pipe.close()
        except BrokenPipeError:
            self._process.stdin = None

    def terminate(self) -> None:
        """Kill the process."""
        self._process.kill()

    def _follow(self) -> None:
        output, errors = _Drain(self._process.stdout, self._write), _Drain(self._process.stderr, None)
        output.start()
        errors.start()
        code = self._process.wait()
        output.join()
        errors.join()
        self._write("stderr", clixml.stderr(errors.kept.decode(errors="replace")))
        self._calls.record(self._calls.scripts(bytes(self._stdin)), self._started)
        self._finish(code if code >= 0 else KILLED)


class _Drain(threading.Thread):
    """Reads a pipe to its end beside its sibling, so that neither fills up: passes the pieces on, or keeps them."""

    def __init__(self, pipe: IO[bytes] | None, write: Callable[[str, bytes], None] | None) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._pass_on = write
        self.kept = b""

    def run(self) -> None:
        """Read until the process closes its end."""
        while self._pipe and (piece := os.read(self._pipe.fileno(), PIECE_BYTES)):
            if self._pass_on:
                self._pass_on("stdout", piece)
            else:
                self.kept += piece


class Answered(Command):
    """A script answered by its JSON contract, once its standard input is complete."""

    def __init__(self, answer: Answerer, calls: Calls) -> None:
        super().__init__()
        self._answer = answer
        self._calls = calls
        self._started = time.time()
        self._stdin = bytearray()

    def feed(self, data: bytes, *, end: bool) -> None:
        """Collect input; the end of it runs the answer in a thread of its own."""
        self._stdin += data
        if end:
            threading.Thread(target=self._run, daemon=True).start()

    def terminate(self) -> None:
        """End it; an answer that is being made goes on unread."""
        self._finish(KILLED)

    def _run(self) -> None:
        stdin = bytes(self._stdin)
        scripts = self._calls.scripts(stdin)
        code = KILLED
        try:
            output, code = self._answer(scripts, stdin)
            self._write("stdout", output)
        except PowerFailsError:
            code = KILLED
        finally:
            # Also when the stand-in itself is wrong: the client then sees a powershell.exe that died without a word.
            self._write("stderr", clixml.stderr())
            self._calls.record(scripts, self._started)
            self._finish(code)
