"""How `inv a b c` runs: Invoke's own executor, plus four rules.

1. A stage that nobody named and that is only somebody's prerequisite is probed first, and ends there when satisfied.
2. A destroyer is typed alone; with company the line is refused before anything runs.
3. Verification runs after the last change of the line, and is never dropped for having been asked for before it.
4. A line that changes the lab holds the lab's lock, and on failure says which command goes on from there.

Under `inv --dry` no stage runs: the order is printed, tasks that only read run, those that ask for consent
print what for, and, unless something is destroyed before them, Ansible's stages show what they would change.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from invoke import Context
from invoke.exceptions import Exit
from invoke.executor import Executor

from labkit.controller.redaction import without_secrets
from labkit.errors import ConfigError, ConsentError, LabError, RefusedError, as_typed
from labkit.line import kinds, lock, report, stages
from labkit.line.failures import BUNDLE, explained, offer_bundle, outcome
from labkit.line.kinds import Destroyer, Umbrella, Verification, typed_name
from labkit.session import Session, inv, session

Calls = list[Any]  # of Invoke's Call: a task, and what it is called with


class LabExecutor(Executor):  # type: ignore[misc]
    """What invoke.yaml names as `tasks.executor_class`."""

    def execute(self, *tasks: Any) -> dict[Any, Any]:
        """Run `tasks` (as Invoke hands them over: names, or parsed contexts) with their pre- and post-tasks."""
        with self._logged(tasks):
            try:
                return self._execute(tasks)
            except LabError as error:
                error.inv = inv(self.config)
                offer_bundle(error)
                raise
            except Exception as mistake:
                if not isinstance(mistake, Exit):  # of ours: its traceback follows
                    print(as_typed(f"hint: {BUNDLE}", inv(self.config)), file=sys.stderr)
                raise

    def _logged(self, tasks: Sequence[Any]) -> AbstractContextManager[None]:
        """Keep the line's log; none of a dry one, and none where the lab is not described: the task will say why."""
        if self.config.run.dry or not tasks:
            return nullcontext()
        try:
            lab = session(Context(self.config))
        except LabError:
            return nullcontext()
        return lab.log.kept(_name(tasks[0]), lab.command, lab.console, lab.output)

    def _execute(self, tasks: Sequence[Any]) -> dict[Any, Any]:
        named = self.normalize(tasks)
        below = [self.expand_calls([call]) for call in named]
        refuse_company(named, below, [_command([task]) for task in tasks])
        calls = verification_last([call for part in below for call in part])
        if self.config.tasks.dedupe:
            calls = self.dedupe(calls)
        if self.config.run.dry:
            return self._dry(calls)
        if any(kinds.of(call).changes_the_lab for call in calls):
            return self._change(tasks, named, below, calls)
        return {call.task: self._run(call) for call in calls}

    def _dry(self, calls: Calls) -> dict[Any, Any]:
        """Print the order, then run what changes nothing; destroyers see `run.dry` and only show their list."""
        names, tasks = [typed_name(call) for call in calls], [kinds.of(call) for call in calls]
        harmless = [task.only_reads or task.asks for task in tasks]
        if not all(harmless):
            print("would run, in this order:")
            for number, (name, runs) in enumerate(zip(names, harmless, strict=True), start=1):
                print(f"{number:4}. {name}{' (runs now, changes nothing)' if runs else ''}")
        results = {call.task: self._run(call) for call, runs in zip(calls, harmless, strict=True) if runs}
        shown = [name for name in names if name in stages.PLAYBOOKS]
        if shown and not any(task.asks for task in tasks):
            with explained(shown[0]):
                stages.preview(session(calls[0].make_context(self.config)), shown)
        return results

    def _change(self, tasks: Sequence[Any], named: Calls, below: list[Calls], calls: Calls) -> dict[Any, Any]:
        lab = session(calls[0].make_context(self.config))
        whole = {call.task for call in named} | {
            part.task for call, parts in zip(named, below, strict=True) if _is_umbrella(call) for part in parts
        }
        results: dict[Any, Any] = {}
        with lock.held(lab), _journalled(lab):
            try:
                if not any(isinstance(kinds.of(call), Destroyer) for call in calls):
                    with explained(typed_name(named[0])):
                        stages.refuse_changes(lab, [typed_name(call) for call in calls])
                for call in calls:
                    name = typed_name(call)
                    with explained(name):
                        if call.task in whole or not _is_satisfied(lab, name):
                            results[call.task] = self._run(call)
                        results.setdefault(call.task, None)
            except (ConsentError, ConfigError):
                raise
            except LabError as error:
                error.resume = _resume(tasks, below, results)
                raise
        return results

    def _run(self, call: Any) -> Any:
        """One task, with the settings of its collection and environment, as Invoke's own executor does it."""
        with explained(typed_name(call)):
            self.config.load_collection(self.collection.configuration(call.called_as))
            self.config.load_shell_env()
            result = call.task(call.make_context(self.config), *call.args, **call.kwargs)
        if call.autoprint and call.called_as:
            print(result)
        return result


@contextmanager
def _journalled(lab: Session) -> Iterator[None]:
    """Write the line's begin and end into the journal, with what ended it; print what it did."""
    lab.journal.write("run", command=without_secrets(lab.command))
    ended: dict[str, Any] = {"code": 0}
    try:
        yield
    except BaseException as error:
        ended = outcome(error)
        raise
    finally:
        lab.journal.write("done", **ended)
        report.closing(lab)


def refuse_company(named: Calls, below: list[Calls], commands: Sequence[str]) -> None:
    """Raise RefusedError when a destroyer, or what begins with one, does not stand alone; `commands` do, one each.

    Invoke de-duplicates over the whole line: a stage asked for after the destroyer would be dropped as done before it.
    """
    for call, parts in zip(named, below, strict=True):
        if len(named) > 1 and any(isinstance(kinds.of(part), Destroyer) for part in parts):
            alone = ", then ".join(f"`{command}`" for command in commands)
            raise RefusedError(
                f"{typed_name(call)} destroys and is therefore typed alone; nothing was run", f"type {alone}"
            )


def verification_last(calls: Calls) -> Calls:
    """Move every verification that stands before the line's last change behind it; the order stays otherwise."""
    tasks = [kinds.of(call) for call in calls]
    end = 1 + max((index for index, task in enumerate(tasks) if task.changes_the_lab), default=-1)
    early = [index for index in range(end) if isinstance(tasks[index], Verification)]
    before = [call for index, call in enumerate(calls[:end]) if index not in early]
    return [*before, *(calls[index] for index in early), *calls[end:]]


def _is_umbrella(call: Any) -> bool:
    return isinstance(kinds.of(call), Umbrella)


def _is_satisfied(lab: Session, name: str) -> bool:
    """Whether a look at the stage finds nothing missing; other tasks never are."""
    if name not in stages.STAGES:
        return False
    lacking = stages.missing(lab, name)
    lab.journal.write("probe", step=name, missing=lacking)
    lab.console.print(f"    {name}: {lacking or 'satisfied'}", markup=False)
    return lacking is None


def _resume(tasks: Sequence[Any], below: list[Calls], done: dict[Any, Any]) -> str:
    """The line that goes on: what was named and is not finished; a rebuilding never destroys a second time."""
    left = [task for task, parts in zip(tasks, below, strict=True) if any(part.task not in done for part in parts)]
    through = {typed_name(task) for task in done}
    return _command([_going_on(task, through) for task in left])


def _command(tasks: Sequence[Any]) -> str:
    words = ["inv"]
    for task in tasks:
        words.append(_name(task))
        words += [word for argument in getattr(task, "args", {}).values() for word in _option(argument)]
    return subprocess.list2cmdline(words)


def _name(task: Any) -> str:
    return task if isinstance(task, str) else str(getattr(task, "name", None) or task[0])


def _going_on(task: Any, through: set[str]) -> Any:
    """What to type for a task that did not end: itself, unless its destroying part is through."""
    destroyer, builder = kinds.GOES_ON.get(_name(task), ("", ""))
    return builder if destroyer in through else task


def _option(argument: Any) -> list[str]:
    """An option as it was typed; none where it was left out."""
    if not argument.got_value:
        return []
    flag = ("--" if len(argument.names[0]) > 1 else "-") + argument.names[0]
    return [flag] if argument.kind is bool else [flag, str(argument.value)]
