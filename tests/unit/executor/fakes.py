"""A small lab of tasks: named, chained and kinded as the real ones, each only noting that it ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from invoke import Collection, Context

from labkit.line import stages
from tasks import ns

Run = Callable[..., list[str]]


class Tasks:
    """The fake tasks; `ran` lists their names in order, `missing` is what probes answer, `failing` raises."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.dry: list[str] = []
        self.probed: list[str] = []
        self.missing: dict[str, str | None] = {}
        self.failing: dict[str, BaseException] = {}
        self.root = Collection()
        self.made: dict[str, Any] = {}

    def make(self, name: str, pre: list[str] | None = None, post: list[str] | None = None) -> None:
        def body(c: Context) -> None:
            (self.dry if c.config.run.dry else self.ran).append(name)
            if name in self.failing:
                raise self.failing[name]

        before, after = ([self.made[other] for other in names or []] for names in (pre, post))
        kind = type(ns[name])  # what the real task of that name is
        task = kind(body, name=name.replace(".", "_").replace("-", "_"), pre=before, post=after)
        self.made[name] = task
        collection, _, short = name.partition(".")
        if collection not in self.root.collections:
            self.root.add_collection(Collection(collection))
        self.root.collections[collection].add_task(task, name=short)

    def stage(self, name: str) -> stages.Stage:
        """The line of the table of stages, with a look that answers from `missing`."""

        def look(_session: Any) -> str | None:
            self.probed.append(name)
            return self.missing.get(name)

        return dataclasses.replace(stages.STAGES[name], look=look)
