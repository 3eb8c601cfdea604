"""The tests on a Windows Python: what stands in for POSIX there, and what is left out, with the reason."""

from __future__ import annotations

import os
import socket
import socketserver
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

IS_WINDOWS = os.name == "nt"
EVERY_TASK = "tests/contracts/tasks/test_every_task.py::test_it_runs_and_says_what_it_did"
MODES = "files have no modes there"
NOT_THERE = {
    "tests/contracts/ansible": "Ansible runs on the bootstrap server alone",
    "tests/contracts/bash": "the scripts run on the bootstrap server alone, with its bash",
    "tests/contracts/input/test_checkout.py": "a Python for embedding has no environments, and finds all by PYTHONPATH",
    "tests/contracts/input/test_hosts.py::test_ctrl_c": "Windows sends Ctrl-C to a whole console",
    f"{EVERY_TASK}[os.ssh": "Wine has no ssh",
    f"{EVERY_TASK}[rehearsal.": "a rehearsal needs Linux",
    "tests/unit/journal/test_journal.py::test_only_its_owner_reads_it": MODES,
    "tests/unit/k8s/test_merging.py::test_a_link_stays_a_link": "links need rights there",
    "tests/unit/k8s/test_scripts.py": "the scripts run on machines of the lab, with their bash",
    "tests/unit/lock/test_lock.py::test_a_process_of_somebody_else_is_alive": "no process has the number 1 there",
    "tests/unit/machines/test_entry.py::test_keys_are_made_once_and_for_their_owner_only": MODES,
    "tests/unit/machines/test_single.py::test_entering_runs_ssh": "its ssh is a script of sh",
    "tests/unit/pxe/test_files.py::test_anacondas_parser": "ksvalidator is none of its programs",
    "tests/unit/pxe/test_files.py::test_scripts_in_the_kickstart_pass_shellcheck": "shellcheck is none of its programs",
    "tests/unit/session/test_session.py::test_what_is_kept_is_its_owners_alone": MODES,
    "tests/unit/session/test_transfer.py::test_the_file_and_what_is_taken_in_are_for_their_owner_only": MODES,
    "tests/unit/ssh/test_ssh.py": "its SSH server runs commands with bash",
}
"""Why tests say nothing on Windows, by the beginning of their ids."""


def stand_in() -> None:
    """Let what plays the PCs and the cluster be imported.

    Nothing there speaks to the model by a Unix socket, as there is no PowerShell to play the PCs with. The two options
    of sockets are those of Windows 10 since 2017, as which Wine 8 does not count.
    """
    fcntl = ModuleType("fcntl")
    fcntl.flock, fcntl.LOCK_EX = (lambda *_: None), 0  # type: ignore[attr-defined]
    sys.modules.setdefault("fcntl", fcntl)
    vars(socketserver).setdefault("ThreadingUnixStreamServer", socketserver.ThreadingTCPServer)
    vars(socket).setdefault("TCP_KEEPIDLE", 3)
    vars(socket).setdefault("TCP_KEEPINTVL", 17)
    vars(socket).setdefault("TCP_KEEPCNT", 16)
    _let_one_thread_at_a_time_have_a_pcs_state()


def _let_one_thread_at_a_time_have_a_pcs_state() -> None:
    """In one process threads' locks do what `flock` does; readers wait too: Windows replaces no file that is open."""
    from rehearsal.hosts.state import HostState  # imports what stands in here

    locks: dict[Path, threading.RLock] = defaultdict(threading.RLock)

    def alone(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(state: HostState, *words: Any) -> Any:
            with locks[state.path]:
                return method(state, *words)

        return call

    change = HostState.change

    @contextmanager
    def change_alone(state: HostState) -> Iterator[dict[str, Any]]:
        with locks[state.path], change(state) as content:
            yield content

    for name in ("read", "version", "make"):
        setattr(HostState, name, alone(getattr(HostState, name)))
    HostState.change = change_alone  # type: ignore[method-assign, assignment]


def without_icacls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no icacls for each file: Wine's does nothing, for half a second. tests/unit/windows has its own double."""
    if IS_WINDOWS and "tests/unit/windows/" not in request.node.nodeid:
        monkeypatch.setattr("labkit.controller.acl.restrict", lambda path: None)


def leave_out(items: list[pytest.Item]) -> None:
    """Skip what NOT_THERE names."""
    for item in items:
        for begin, why in NOT_THERE.items():
            if item.nodeid.startswith(begin):
                item.add_marker(pytest.mark.skip(reason=f"not on Windows: {why}"))
