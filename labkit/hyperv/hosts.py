"""All Hyper-V hosts of a lab: the same question to each at once, answers shared by the tasks of one run.

One WS-Man command a host and call. Threads, not processes: the time goes into waiting. They are daemons, so that Ctrl-C
ends the run and not a wait of minutes; what a host is doing then it finishes, and the next run reads the state again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from labkit.controller.secrets import Secret, host_password
from labkit.errors import LabError, together
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
    "Get-LabDigest": 900.0,  # it reads 12 GB
    "Get-LabReadiness": 300.0,  # it pings, and reads of Windows what a slow PC takes minutes for
}
READ_ATTEMPTS = 3  # a read that got lost may be repeated; a write never is, since it may have been done

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
            self._facts[name] = host_facts(name, self.lab.name, answer, self._arrived[name])
        return dict(self._facts), errors

    def _reading(self, host: Host, probe: bool) -> Scripts:
        """The scripts that read a host: one command, since each costs a whole PowerShell to start."""
        asked: dict[str, Mapping[str, Any]] = {
            "Get-LabHost": {
                "Lab": self.lab.name,
                "LabPath": str(PureWindowsPath(self.lab.vm_path, self.lab.name)),
                "IsoPath": self.lab.iso_path if self.lab.bootstrap.host == host.name else "",
            }
        }
        if probe:
            addresses = [str(address) for address in self.lab.external_addresses]
            asked["Get-LabReadiness"] = {"Lab": self.lab.name, "Probe": addresses}
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
        outcomes: dict[str, dict[str, Any] | BaseException] = {name: {} for name in wanted}  # in the lab's order

        def work(name: str) -> None:
            try:
                outcomes[name] = self._call(name, wanted[name], reading=reading)
            except BaseException as error:  # noqa: BLE001 - carried to the calling thread and raised there
                outcomes[name] = error

        with self._turn:
            for name in wanted:
                self._transport(name)  # here and not in the threads: it may ask for a password
            in_parallel(work, wanted)
        answers: dict[str, dict[str, Any]] = {}
        errors: list[LabError] = []
        for name, outcome in outcomes.items():
            if isinstance(outcome, LabError):
                errors.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                answers[name] = outcome
                self._keep_notes(name, outcome)
        return answers, errors

    def _transport(self, name: str) -> Transport:
        if name not in self._transports:
            host = next(host for host in self.lab.hosts if host.name == name)
            self._transports[name] = self._connect(host, host_password(host))
        return self._transports[name]

    def _call(self, name: str, scripts: Scripts, *, reading: bool) -> dict[str, Any]:
        stdin = powershell.payload_of_all(scripts)
        attempts = READ_ATTEMPTS if reading else 1
        read_s = max(SLOW_READ_DEADLINES_S.get(script, READ_DEADLINE_S) for script in scripts)
        deadline_s = read_s if reading else WRITE_DEADLINE_S
        for attempt in range(1, attempts + 1):
            try:
                output = self._transports[name].run(powershell.command_line(), stdin, deadline_s)
                self._arrived[name] = datetime.now(UTC)
                return powershell.answer(name, next(iter(scripts)), output.stdout, output.stderr, output.code)
            except DroppedError:
                if attempt == attempts:
                    raise
        raise AssertionError("unreachable")

    def _keep_notes(self, name: str, answer: Mapping[str, Any]) -> None:
        for text in answer.get("notes", []):
            self._journal.note(f"host {name}", text)


def in_parallel(work: Callable[[str], None], hosts: Iterable[str]) -> None:
    """Call `work` for each host in a thread of its own and wait for all."""
    threads = [Thread(target=work, args=(host,), daemon=True, name=f"host {host}") for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # an endless join would keep Ctrl-C from working on Windows
