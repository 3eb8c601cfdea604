"""Waiting for machines to answer by SSH, several at once, each with its own deadline and its own words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from labkit import threads
from labkit.description.lab import Machine
from labkit.errors import DeadlineError, LabError, UnreachableError
from labkit.session import Session

PAUSE_S = 1.0  # between two tries of one machine
NOTES = "/etc/lab/notes.d"


def for_ssh(session: Session, machine: Machine, timeout_s: float, stop: threading.Event | None = None) -> None:
    """Return when a command runs on `machine`; collect the notes that its parts left there.

    Raises DeadlineError after `timeout_s` seconds, with the last reason; `stop` set by another thread ends it early.
    """
    stop = stop or threading.Event()
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            collect_notes(session, machine)
        except (UnreachableError, DeadlineError) as error:
            reason = error
        else:
            return
        session.machines.forget(machine)  # the next try is not to wait for a connection that died meanwhile
        if time.monotonic() >= deadline:
            raise DeadlineError(f"{machine.name} does not answer by SSH after {timeout_s:.0f} s: {reason.problem}")
        if stop.wait(PAUSE_S):
            raise DeadlineError(f"{machine.name}: not waited for any longer: {reason.problem}")


def collect_notes(session: Session, machine: Machine) -> None:
    """Copy the sentences in /etc/lab/notes.d of a machine into the journal: any part may leave a note about itself."""
    # grep names the file before each line; where there is no note it finds none, which is no error here.
    result = session.machines.to(machine).run(f"grep -sH . {NOTES}/*", check=False, timeout_s=30)
    for line in result.stdout.splitlines():
        source, _, text = line.removeprefix(f"{NOTES}/").partition(":")
        session.journal.note(f"{machine.name}: {source}", text.strip())


def for_all(
    session: Session,
    machines: Iterable[Machine],
    timeout_s: float,
    stop: threading.Event | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, float]:
    """Wait for several machines at once; return after how many seconds each answered.

    Raises the error of a single silent machine, or one LabError that names all of them; the others were waited for.
    `stop` set by another thread ends it early; `tell` is called with the name of each that answers, from a thread.
    """
    seconds, silent = for_each(session, machines, timeout_s, stop, tell)
    errors = list(silent.values())
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise DeadlineError("\n  ".join([f"{len(errors)} machines do not answer", *(e.problem for e in errors)]))
    return seconds


def for_each(
    session: Session,
    machines: Iterable[Machine],
    timeout_s: float,
    stop: threading.Event | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> tuple[dict[str, float], dict[str, LabError]]:
    """As `for_all`, but return the error of each machine that stayed silent, by name, beside the others' seconds."""
    wanted = list(machines)
    begin = time.monotonic()
    seconds: dict[str, float] = {}
    errors: dict[str, LabError] = {}
    stop = stop or threading.Event()

    def wait(machine: Machine) -> None:
        try:
            for_ssh(session, machine, timeout_s, stop)
            seconds[machine.name] = round(time.monotonic() - begin, 1)
            tell(machine.name)
        except LabError as error:
            errors[machine.name] = error

    try:
        threads.each(wait, wanted)
    finally:
        stop.set()
    return seconds, errors


def listening(session: Session, machines: Iterable[Machine]) -> set[str]:
    """Names of the machines whose SSH port takes a connection from the bootstrap server, all tried at once."""
    names = {str(machine.mgmt.address): machine.name for machine in machines}
    if not names:
        return set()
    one = 'timeout 1 bash -c "exec 3<>/dev/tcp/$address/22" 2>/dev/null && echo $address'
    command = f"for address in {' '.join(names)}; do ({one}) & done; wait"
    said = session.machines.bootstrap().run(command, check=False).stdout
    return {names[address] for address in said.split() if address in names}


def answering(session: Session, machines: Iterable[Machine]) -> dict[str, bool]:
    """Which machines run a command now; all asked at once."""
    wanted = list(machines)
    return dict(zip((m.name for m in wanted), threads.each(session.machines.is_up, wanted), strict=True))
