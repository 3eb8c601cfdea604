"""What kind of task each task is, said at the task: `@task(klass=Stage)`. The kind decides how the executor treats it.

Tasks are known by the name that a user types. A task's own name (`Task.name`) is that name with underscores,
because Invoke takes two tasks of equal name and equal code for one: `k8s_control_plane` is typed `k8s.control-plane`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from invoke.tasks import Task


class LabTask(Task):  # type: ignore[misc]
    """A task of exactly one kind, which is its class. What is not said by a kind below is False."""

    changes_the_lab: ClassVar[bool] = False
    """It may change something on hosts or machines: its line takes the lab's lock and is written into the journal."""
    asks: ClassVar[bool] = False
    """It asks for consent; under `inv --dry` it shows what for, and ends there."""
    only_reads: ClassVar[bool] = False
    """It may run under `inv --dry`, because it never changes anything."""


class Stage(LabTask):
    """Builds the lab, converges, takes no arguments and destroys nothing. `labkit.line.stages` has a line for each."""

    changes_the_lab = True


class Umbrella(LabTask):
    """Everything below it does its whole work, whether satisfied or not."""

    changes_the_lab = True


class Destroyer(LabTask):
    """Asks for consent to what it destroys, and is typed alone."""

    changes_the_lab = asks = True


class Reader(LabTask):
    """Changes nothing."""

    only_reads = True


class Verification(LabTask):
    """Proves something about the lab: makes things there for a moment and removes them."""


class Power(LabTask):
    """Changes what runs, not what is."""

    changes_the_lab = True


class Keeper(LabTask):
    """Makes something to go back to, or forgets it."""

    changes_the_lab = True


class HostNetwork(LabTask):
    """Changes a PC's own network and asks for consent; destroys nothing."""

    changes_the_lab = asks = True


class HostFile(LabTask):
    """Puts a file onto a PC, where none was."""

    changes_the_lab = True


class ClusterChange(LabTask):
    """Changes the cluster without destroying anything; the stages that follow it do the work."""

    changes_the_lab = True


class Controller(LabTask):
    """Changes only what lies on the controller."""


class Door(LabTask):
    """Lets the user in somewhere; what is done there is the user's own."""


GOES_ON = {"lab.rebuild": ("lab.discard", "lab.up"), "k8s.replace": ("k8s.replace", "k8s.join")}
"""What destroys and builds again: once the first of the two is through, the second goes on, and destroys nothing."""


def of(task: Any) -> LabTask:
    """The task of a call, or the task itself, with its kind. TypeError for one that says none, before it can run."""
    found = getattr(task, "task", task)
    if not isinstance(found, LabTask) or type(found) is LabTask:
        raise TypeError(f"the task {found.name} says no kind: @task(klass=...), see labkit/line/kinds.py")
    return found


def typed_name(task: Any) -> str:
    """The name a user types for a task (or a call of one): `Task.name` with its first underscore as the dot."""
    collection, _, name = task.name.partition("_")
    return f"{collection}.{name.replace('_', '-')}"
