"""Following machines while they install: one stream of the bootstrap server's logs, one deadline a machine."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import closing
from functools import partial

from rich.markup import escape

from labkit import threads
from labkit.controller import keys
from labkit.description.lab import Machine
from labkit.errors import LabError, UnreachableError
from labkit.machines import diagnosis, estimate, settle, wait
from labkit.machines.board import Board
from labkit.machines.estimate import Estimate
from labkit.machines.rescue import Rescue, Standstill
from labkit.machines.survey import Place, Survey
from labkit.pxe import logs
from labkit.pxe.events import Event, Line, Timeline
from labkit.session import Session

PAUSE_S = 2.0  # before the stream is opened again after it broke
REPLAY_S = 5.0  # a stream begins with all that was logged so far, file by file: until then no machine is called silent


class Watch:
    """Follows until each machine answers by SSH or has failed; `failures`, `seconds` and `left` tell how it went."""

    def __init__(self, session: Session, found: Survey, waiting: list[Place]) -> None:
        self.failures: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.left: dict[str, dict[str, float]] = {}
        self.session = session
        self.places = {place.name: place for place in waiting}
        self.timelines = found.timelines
        self.records = found.records
        self.reader = logs.reader(session.lab, found.records)
        names = [place.name for place in found.places]
        self.board = Board(session.console, names, Estimate(session.journal.rows()))
        self.stop = threading.Event()
        self.answers: dict[str, Future[None]] = {}
        self.begin = self.opened = time.monotonic()
        self.seen = dict.fromkeys(self.places, (self.begin, "nothing since it was switched on"))
        self.rescues: dict[str, Rescue] = {}

    def run(self, others: list[Machine]) -> None:
        """Follow the waiting machines; `others` are installed already and are waited for by SSH meanwhile."""
        with self.board:
            try:
                for name, timeline in self.timelines.items():
                    if name in self.places:
                        self._begin_row(name, timeline)
                for machine in others:
                    self._await_ssh(machine)
                while not self._done():
                    self._stream()
            finally:
                self.stop.set()

    def _begin_row(self, name: str, timeline: Timeline) -> None:
        self.board.began(name, self.records.ago(timeline.armed_at))
        if timeline.events:
            self.board.show(name, timeline.stage, "seen before", self.records.ago(timeline.events[timeline.stage].time))

    def _stream(self) -> None:
        remote = self.session.machines.bootstrap()
        self.opened = time.monotonic()
        self.board.begin_again()
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
            self.opened = time.monotonic()  # nothing could be heard meanwhile: nobody is silent for that
            self._look(None)

    def _look(self, text: str | None) -> None:
        line = self.reader.line(text) if text else None
        if line and line.machine in self.places and line.machine not in self.failures:
            self._take(line, line.machine)
        for name, answer in list(self.answers.items()):
            if answer.done() and name not in self.seconds and name not in self.failures:
                self._answered(name, answer)
        self._look_for_standstill()
        if time.monotonic() > self.begin + self.session.lab.timeouts.install_s:
            self._give_up()
        if text is None:
            self.board.tick()

    def _take(self, line: Line, name: str) -> None:
        timeline = self.timelines[name]
        if not timeline.covers(line.time) or name in self.answers:
            return
        self.seen[name] = (time.monotonic() - self.records.ago(line.time), line.text)
        self.board.fetched(name, line.fetched)
        event = self.reader.event_of(line)
        if event and timeline.add(event):
            self._reached(event)

    def _reached(self, event: Event) -> None:
        self.board.show(event.machine, event.stage, event.detail if event.stage == "failed" else "")
        if event.stage == "failed":
            self.failures[event.machine] = diagnosis.failed(event.machine, event.detail)
        if event.stage == "installed":
            self._settle(self.places[event.machine], event.detail)

    def _settle(self, place: Place, host_key: str) -> None:
        try:
            settle.installed(self.session, place, host_key)
        except LabError as error:
            self.failures[place.name] = error.problem
        else:
            self._await_ssh(place.machine)

    def _await_ssh(self, machine: Machine) -> None:
        timeout_s = self.session.lab.timeouts.ssh_s
        self.answers[machine.name] = threads.start(partial(wait.for_ssh, self.session, machine, timeout_s, self.stop))

    def _answered(self, name: str, answer: Future[None]) -> None:
        error = answer.exception()
        if error is None:
            self.seconds[name] = round(self.board.seconds, 1)
            if name in self.places:
                self.left[name] = estimate.spans(self.timelines[name], self.records.clock())
            self.board.show(name, "ssh")
        elif isinstance(error, LabError):
            self.failures[name] = f"{error.problem} ({diagnosis.MEANING['installed']})"
        else:
            raise error

    def _look_for_standstill(self) -> None:
        """Begin to rescue whoever is silent for too long, once; who is silent again has failed."""
        for name, rescue in self.rescues.items():
            if not rescue.is_alive() and not rescue.told:
                self._rescued(name, rescue)
        if time.monotonic() < self.opened + REPLAY_S:
            return
        for name, place in self.places.items():
            since, last = self.seen[name]
            stage, silence = self.timelines[name].stage, time.monotonic() - since
            if self._is_on_its_way(name) and silence > diagnosis.LIMIT_S[stage]:
                still = Standstill(place, stage, silence, last)
                self.rescues[name] = Rescue(self.session, still, cycle=name not in self.rescues)
                self.rescues[name].start()

    def _rescued(self, name: str, rescue: Rescue) -> None:
        rescue.told = True
        if rescue.crash:
            raise rescue.crash
        if name in self.answers:
            return  # its own `installed` was heard meanwhile
        if rescue.answers:
            place = self.places[name]
            self.board.show(name, "installed", "it answers by SSH with its pinned key")
            self._settle(place, keys.pinned(self.session.state)[place.address])
            return
        self.board.say(escape(rescue.diagnosis.replace("\n", "\n    ")))
        if rescue.cycle and not rescue.refusal:
            self.timelines[name] = Timeline(name, rescue.since)
            self.seen[name] = (time.monotonic(), "nothing since its power was cut and put back")
            self.board.show(name, "powered", f"once more: its power was cut at `{rescue.still.stage}`")
            return
        why = rescue.refusal or "its power was cut once already"
        verdict = diagnosis.verdict(name, rescue.still.stage, rescue.still.seconds)
        self.failures[name] = f"{verdict}; {why}"
        self.board.show(name, "failed", why)

    def _give_up(self) -> None:
        """The deadline has passed: whoever is not installed by now has failed where it stands."""
        for name in self.places:
            if self._is_on_its_way(name):
                timeout_s = self.session.lab.timeouts.install_s
                self.failures[name] = diagnosis.verdict(name, self.timelines[name].stage, timeout_s)
                self.board.show(name, "failed")

    def _is_on_its_way(self, name: str) -> bool:
        """Whether a machine is neither installed nor failed, nor being rescued right now."""
        busy = name in self.rescues and not self.rescues[name].told
        return not busy and name not in self.answers and name not in self.failures

    def _done(self) -> bool:
        return all(name in self.seconds or name in self.failures for name in {*self.places, *self.answers})
