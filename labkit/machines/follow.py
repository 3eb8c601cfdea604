"""Following machines while they install: one stream of the bootstrap server's logs, one deadline a machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from labkit.errors import LabError, UnreachableError
from labkit.lab import Machine
from labkit.machines import settle, stages, wait
from labkit.machines.board import Board
from labkit.machines.survey import Place, Survey
from labkit.pxe import logs
from labkit.pxe.events import Event, Timeline
from labkit.session import Session

PAUSE_S = 2.0  # before the stream is opened again after it broke


class Watch:
    """Follows until each machine answers by SSH or has failed; `failures` and `seconds` tell how it went."""

    def __init__(self, session: Session, found: Survey, waiting: list[Place]) -> None:
        self.failures: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.session = session
        self.places = {place.name: place for place in waiting}
        self.timelines: Mapping[str, Timeline] = found.timelines
        self.reader = logs.reader(session.lab, found.records)
        self.board = Board(session.console, [place.name for place in found.places])
        self.stop = threading.Event()
        self.answers: dict[str, Future[None]] = {}
        self.deadline = time.monotonic() + session.lab.timeouts.install_s

    def run(self, others: list[Machine]) -> None:
        """Follow the waiting machines; `others` are installed already and are waited for by SSH meanwhile."""
        with ThreadPoolExecutor(len(self.places) + len(others)) as pool, self.board:
            self.pool = pool
            try:
                for name, timeline in self.timelines.items():
                    if name in self.places and timeline.events:
                        self.board.show(name, timeline.stage, "seen before")
                for machine in others:
                    self._await_ssh(machine)
                while not self._done():
                    self._stream()
            finally:
                self.stop.set()

    def _stream(self) -> None:
        remote = self.session.machines.bootstrap()
        try:
            with closing(logs.follow(remote)) as lines:
                for text in lines:
                    self._look(text)
                    if self._done():
                        return
        except UnreachableError as error:
            # The machines go on installing without us; the logs are read again from their beginning.
            self.board.show(remote.name, "silent", error.problem)
            self.stop.wait(PAUSE_S)
            self._look(None)

    def _look(self, text: str | None) -> None:
        event = self.reader.event(text) if text else None
        if event and event.machine in self.places and event.machine not in self.failures:
            self._take(event)
        for name, answer in list(self.answers.items()):
            if answer.done() and name not in self.seconds and name not in self.failures:
                self._answered(name, answer)
        if time.monotonic() > self.deadline:
            self._give_up()
        if text is None:
            self.board.tick()

    def _take(self, event: Event) -> None:
        timeline = self.timelines[event.machine]
        if not timeline.add(event):
            return
        self.board.show(event.machine, event.stage, event.detail if event.stage == "failed" else "")
        if event.stage == "failed":
            self.failures[event.machine] = stages.failed(event.machine, event.detail)
        if event.stage == "installed":
            place = self.places[event.machine]
            try:
                settle.installed(self.session, place, event.detail)
            except LabError as error:
                self.failures[event.machine] = error.problem
            else:
                self._await_ssh(place.machine)

    def _await_ssh(self, machine: Machine) -> None:
        timeout_s = self.session.lab.timeouts.ssh_s
        self.answers[machine.name] = self.pool.submit(wait.for_ssh, self.session, machine, timeout_s, self.stop)

    def _answered(self, name: str, answer: Future[None]) -> None:
        error = answer.exception()
        if error is None:
            self.seconds[name] = round(self.board.seconds, 1)
            self.board.show(name, "ssh")
        elif isinstance(error, LabError):
            self.failures[name] = f"{error.problem} ({stages.MEANING['installed']})"
        else:
            raise error

    def _give_up(self) -> None:
        """The deadline has passed: whoever is not installed by now has failed where it stands."""
        for name in self.places:
            if name not in self.answers and name not in self.failures:
                timeout_s = self.session.lab.timeouts.install_s
                self.failures[name] = stages.verdict(name, self.timelines[name].stage, timeout_s)
                self.board.show(name, "failed")

    def _done(self) -> bool:
        return all(name in self.seconds or name in self.failures for name in {*self.places, *self.answers})
