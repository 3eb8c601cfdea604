"""pxe.watch and os.wait: what machines do, as the bootstrap server's logs tell it. Nothing is changed, no PC asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import closing

from labkit import threads
from labkit.description import choice
from labkit.description.lab import Machine
from labkit.errors import UnreachableError
from labkit.machines import diagnosis, wait
from labkit.machines.board import Board
from labkit.machines.estimate import Estimate
from labkit.pxe import logs, server
from labkit.pxe.events import Event, Line, Timeline
from labkit.session import Session

PAUSE_S = 2.0  # before the logs are opened again after they broke


class Onlooker:
    """Shows each machine's stage. Events of a machine that is not armed are told as that: they install nothing."""

    def __init__(self, session: Session, machines: Iterable[Machine]) -> None:
        self.session = session
        self.names = [machine.name for machine in machines]
        self.board = Board(session.console, self.names, Estimate(session.journal.rows()))
        self.timelines: dict[str, Timeline] = {}
        self.over: dict[str, str] = {}  # how it ended for whoever is through

    def run(self, until: Callable[[], bool]) -> None:
        """Show what happens until `until` says so; logs that break are opened again."""
        pause, told = threading.Event(), ""
        with self.board:
            while not until():
                try:
                    self._follow(until)
                except UnreachableError as error:
                    if error.problem != told:
                        self.board.show(self.session.lab.bootstrap.name, "silent", error.problem)
                    told = error.problem
                    self.board.tick()
                    pause.wait(PAUSE_S)

    def _follow(self, until: Callable[[], bool]) -> None:
        remote = self.session.machines.bootstrap()
        self._read_records()
        for name in self.names:
            if name not in self.timelines and name in self.records.installed:
                self.board.stands(name, "installed")
        self.began = self.records.now
        self.board.begin_again()
        with closing(logs.follow(remote)) as lines:
            for text in lines:
                if text is None:
                    self.board.tick()
                elif (line := self.reader.line(text)) and line.machine in self.names:
                    self._take(line, line.machine)
                if until():
                    return

    def _read_records(self) -> None:
        self.records = server.read_records(self.session.machines.bootstrap())
        self.reader = logs.reader(self.session.lab, self.records)
        for name in self.names:
            armed = self.records.armed.get(name)
            known = self.timelines.get(name)
            if armed and (known is None or known.armed_at != armed.time):
                self.timelines[name] = Timeline(name, armed.time)
                self.over.pop(name, None)
                self.board.began(name, self.records.ago(armed.time))

    def _take(self, line: Line, name: str) -> None:
        event = self.reader.event_of(line)
        fresh = int(line.time) >= int(self.began)
        if event and fresh and (name not in self.timelines or name in self.over):
            self._read_records()  # it may have been armed, or armed again, meanwhile
        timeline = self.timelines.get(name)
        if timeline and name not in self.over and timeline.covers(line.time):
            self.board.fetched(name, line.fetched)
            if event and timeline.add(event):
                self._reached(event)
        elif event and fresh:
            self.board.show(name, event.stage, "not armed: nothing is installed")

    def _reached(self, event: Event) -> None:
        ago_s = self.records.ago(event.time)
        self.board.show(event.machine, event.stage, event.detail if event.stage == "failed" else "", ago_s)
        if event.stage == "failed":
            self.over[event.machine] = diagnosis.failed(event.machine, event.detail)
        if event.stage == "installed":
            self.over[event.machine] = f"{event.machine}: installed"


def until_installed(session: Session, name: str) -> str:
    """Show machine `name` ('': all) until those armed meanwhile are through, or until Ctrl-C; say how it ended.

    Raises MissingError for a name that is none, UnreachableError when the bootstrap server cannot be asked at first.
    """
    onlooker = Onlooker(session, [one for one in choice.machines(session.lab, name) if one != session.lab.bootstrap])
    server.read_records(session.machines.bootstrap())

    def through() -> bool:
        return bool(onlooker.timelines) and set(onlooker.timelines) == set(onlooker.over)

    try:
        onlooker.run(through)
    except KeyboardInterrupt:
        pass  # the way to leave it: nothing was begun that could be left half done
    open_ended = [f"{one}: at {line.stage}" for one, line in onlooker.timelines.items() if one not in onlooker.over]
    return "\n".join([*onlooker.over.values(), *open_ended]) or "no machine is armed"


def until_ssh(session: Session, name: str) -> dict[str, float]:
    """Wait until machine `name` ('': all) answers by SSH, showing its stage meanwhile; return the seconds of each.

    Raises what `wait.for_all` does: each silent machine by name, after the lab's `timeouts.ssh_s`.
    """
    machines, stop = choice.machines(session.lab, name), threading.Event()
    onlooker = Onlooker(session, machines)
    timeout_s = session.lab.timeouts.ssh_s

    def tell(one: str) -> None:
        onlooker.board.show(one, "ssh")

    answers = threads.start(lambda: wait.for_all(session, machines, timeout_s, stop, tell))
    try:
        onlooker.run(answers.done)
    finally:
        stop.set()
    return threads.result(answers)
