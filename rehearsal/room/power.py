"""The power of one guest: what runs for it now, and the two ways to end it."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rehearsal.room import cgroup

PATIENCE_S = 20.0  # how long a guest may take to obey before its cord is pulled


class PowerCut(Exception):  # noqa: N818 - not an error: somebody turned the machine off
    """The VM was turned off while something ran for it."""


class Power:
    """Runs programs for one guest, one at a time, so that all of them end when the VM is turned off."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._off = threading.Event()

    @property
    def is_off(self) -> bool:
        return self._off.is_set()

    def run(
        self, command: Sequence[str | Path], output: Path, *, stdin: bytes | None = None, timeout_s: float | None = None
    ) -> int:
        """Run a program to its end with its output appended to a file; return its exit code.

        Raises PowerCut when the VM is turned off meanwhile, subprocess.TimeoutExpired after `timeout_s` seconds.
        """
        with output.open("ab") as log:
            process = self.start(command, log, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
            try:
                process.communicate(stdin, timeout=timeout_s)
            finally:
                self._done(process)
        if self.is_off:
            raise PowerCut
        return process.returncode

    def start(
        self, command: Sequence[str | Path], log: IO[bytes], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start a program in the guest's own control group; PowerCut when the VM is off already."""
        with self._lock:
            if self.is_off:
                raise PowerCut
            self._process = subprocess.Popen(cgroup.within(self.group, command), stdin=stdin, stdout=log, stderr=log)
            return self._process

    def wait(self, seconds: float) -> None:
        """Wait that long; PowerCut as soon as the VM is turned off."""
        if self._off.wait(seconds):
            raise PowerCut

    def press_button(self) -> None:
        """Ask what runs to shut down (systemd-nspawn passes it on), as the Hyper-V shutdown service does."""
        with self._lock:
            if self._process and self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)

    def cut(self) -> None:
        """Turn the VM off: whatever runs for it is killed."""
        with self._lock:
            self._off.set()
            if self._process and self._process.poll() is None:
                self._process.kill()

    def _done(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()
        process.wait()
