"""All Hyper-V hosts of a lab: the same question to each at once, answers shared by the tasks of one run.

One WS-Man command a host and call. Threads, not processes: the time goes into waiting. Ctrl-C ends the run and not a
wait of minutes; what a host is doing then it finishes, and the next run reads the state again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import PureWindowsPath
from threading import Lock
from typing import TYPE_CHECKING, Any

from labkit import threads
from labkit.controller.secrets import Secret, host_password
from labkit.errors import DeadlineError, LabError, together
from labkit.hyperv.facts import HostFacts
from labkit.hyperv.reading import host_facts
from labkit.transport import powershell
from labkit.transport.winrm import DroppedError, Transport, WinRm

if TYPE_CHECKING:
    from labkit.controller.journal import Journal
    from labkit.description.lab import Host, Lab

READ_DEADLINE_S = 120.0
WRITE_DEADLINE_S = 900.0
SLOW_READ_DEADLINES_S = {
    "Get-LabDigest": 1800.0,  # it reads the whole DVD, perhaps from a slow disk
    "Get-LabReadiness": 300.0,  # it pings, and reads of Windows what a slow PC takes minutes for
}
GRACE_S = 30.0  # past its deadline a call ends by itself; a host that drips no answer and no end is given up then
READ_ATTEMPTS = 3  # a read that got lost may be repeated; a write never is, since it may have been done
STUCK = "`inv hyperv.status` shows the state; look at that PC for a dialogue or a disk at its limit"

Connect = Callable[["Host", Secret], Transport]
Scripts = Mapping[str, Mapping[str, Any]]
"""The scripts of one command, by name, with their parameters."""
Parameters = Mapping[str, Mapping[str, Any]]
"""One script's parameters on each host, by host name."""


class Hosts:
    """The hosts of one lab. Errors (UnreachableError and those of `powershell.lab_error`) are told for all together."""

    def __init__(self, lab: Lab, journal: Journal, connect: Connect = WinRm) -> None:
        self.lab = lab
        self._journal = journal
        self._connect = connect
        self._transports: dict[str, Transport] = {}
        self._facts: dict[str, HostFacts] = {}
        self._arrived: dict[str, datetime] = {}  # when each host's last answer came: another may take minutes longer
        self.answered: dict[str, dict[str, Any]] = {}  # what each host said when it was read last, word for word
        self._turn = Lock()  # a transport is not for two threads at once

    def read(self, fresh: bool = False) -> dict[str, HostFacts]:
        """What every host says of itself and its VMs, by host name; kept until something is changed, or `fresh`."""
        facts, errors = self.survey(fresh)
        if errors:
            raise together(errors)
        return facts

    def survey(self, fresh: bool = False, probe: bool = False) -> tuple[dict[str, HostFacts], list[LabError]]:
        """As `read`, but gives the errors of hosts that do not answer beside the facts of those that do.

        With `probe` the hosts tell their readiness too, which takes seconds: they call the EXTERNAL addresses.
        """
        if fresh:
            self.forget()
        wanted = {
            host.name: self._reading(host, probe)
            for host in self.lab.hosts
            if host.name not in self._facts or (probe and not self._facts[host.name].readiness.is_probed)
        }
        answers, errors = self._everywhere(wanted, reading=True)
        for name, answer in answers.items():
            self.answered[name] = answer
            self._facts[name] = host_facts(name, self.lab.name, answer, self._arrived[name])
        return dict(self._facts), errors

    @property
    def known(self) -> dict[str, HostFacts]:
        """What was read so far, by host name; asks nobody."""
        return dict(self._facts)

    def _reading(self, host: Host, probe: bool) -> Scripts:
        """The scripts that read a host: one command, since each costs a whole PowerShell to start."""
        path = str(PureWindowsPath(self.lab.vm_path, self.lab.name))
        asked: dict[str, Mapping[str, Any]] = {
            "Get-LabHost": {
                "Lab": self.lab.name,
                "LabPath": path,
                "IsoPath": self.lab.iso_path if self.lab.bootstrap.host == host.name else "",
            }
        }
        if probe:
            addresses = [str(address) for address in self.lab.external_addresses]
            asked["Get-LabReadiness"] = {"Lab": self.lab.name, "LabPath": path, "Probe": addresses}
        return asked

    def forget(self) -> None:
        """Drop what was read: something was changed, or may have been."""
        self._facts.clear()

    def reconnect(self, name: str) -> None:
        """Drop the connection to a host whose network changes under it; the next call makes a new one."""
        self._transports.pop(name, None)

    def ask(self, script: str, parameters: Parameters) -> dict[str, dict[str, Any]]:
        """Run a reading script (Get-) once on each host that `parameters` names, at once, and return their answers.

        What was read before stays. A call that got lost is repeated; all hosts finish before errors are raised.
        """
        return self._answers(script, parameters, reading=True)

    def run(self, script: str, parameters: Parameters) -> dict[str, dict[str, Any]]:
        """As `ask`, with a changing script: what was read counts no more, and a call that got lost is not repeated."""
        self.forget()
        return self._answers(script, parameters, reading=False)

    def _answers(self, script: str, parameters: Parameters, *, reading: bool) -> dict[str, dict[str, Any]]:
        """The answers by host. Raises the errors of hosts, and those of machines that stand in an answer, together."""
        wanted = {name: {script: given} for name, given in parameters.items()}
        answers, errors = self._everywhere(wanted, reading=reading)
        for name, answer in answers.items():
            errors += [
                powershell.lab_error(name, script, powershell.PowerShellError.of(machine["error"]), machine["name"])
                for machine in answer.get("machines", [])
                if machine["error"]
            ]
        if errors:
            raise together(errors)
        return answers

    def _everywhere(
        self, wanted: Mapping[str, Scripts], *, reading: bool
    ) -> tuple[dict[str, dict[str, Any]], list[LabError]]:
        """Run scripts on several hosts at once, one command a host; give the answers and the LabErrors."""
        limit_s = GRACE_S + max((_deadline_s(scripts, reading) for scripts in wanted.values()), default=0.0)
        with self._turn:
            for name in wanted:
                self._transport(name)  # here and not in the threads: it may ask for a password
            calls = {
                name: threads.start(partial(self._call, name, scripts, reading=reading), f"host {name}")
                for name, scripts in wanted.items()
            }
            threads.wait(calls.values(), limit_s)
        answers: dict[str, dict[str, Any]] = {}
        errors: list[LabError] = []
        for name, call in calls.items():
            silent = DeadlineError(f"host {name} has not answered after {limit_s:.0f} s", STUCK)
            error = call.exception() if call.done() else silent
            if isinstance(error, LabError):
                errors.append(error)
                if isinstance(error, DeadlineError):
                    self.reconnect(name)  # a thread that was given up may still hold the connection
            elif error is not None:
                raise error
            else:
                answers[name] = call.result()
                self._keep_notes(name, answers[name])
        return answers, errors

    def _transport(self, name: str) -> Transport:
        if name not in self._transports:
            host = next(host for host in self.lab.hosts if host.name == name)
            self._transports[name] = self._connect(host, host_password(host))
        return self._transports[name]

    def _call(self, name: str, scripts: Scripts, *, reading: bool) -> dict[str, Any]:
        stdin, transport = powershell.payload_of_all(scripts), self._transports[name]
        attempts = READ_ATTEMPTS if reading else 1
        until = time.monotonic() + _deadline_s(scripts, reading)
        for attempt in range(1, attempts + 1):
            try:
                output = transport.run(powershell.command_line(), stdin, until - time.monotonic())
                self._arrived[name] = datetime.now(UTC)
                return powershell.answer(name, next(iter(scripts)), output.stdout, output.stderr, output.code)
            except DroppedError:
                if attempt == attempts or time.monotonic() > until:
                    raise
        raise AssertionError("unreachable")

    def _keep_notes(self, name: str, answer: Mapping[str, Any]) -> None:
        for text in answer.get("notes", []):
            self._journal.note(f"host {name}", text)


def _deadline_s(scripts: Scripts, reading: bool) -> float:
    """How long a command may take that runs these scripts."""
    return (
        max(SLOW_READ_DEADLINES_S.get(script, READ_DEADLINE_S) for script in scripts) if reading else WRITE_DEADLINE_S
    )
