"""Collections out of modules: a task belongs to the collection that its name begins with."""

from __future__ import annotations

from types import ModuleType

from invoke import Collection
from invoke.tasks import Task

from labkit.line import kinds


def gathered(*modules: ModuleType) -> Collection:
    """All tasks of these modules: `k8s_control_plane` is `control-plane` in the collection `k8s`.

    Raises TypeError for a task that says no kind: the executor would not know how to treat it.
    """
    root = Collection()
    tasks = {id(found): found for module in modules for found in vars(module).values() if isinstance(found, Task)}
    for task in tasks.values():
        collection, _, short = kinds.typed_name(kinds.of(task)).partition(".")
        if collection not in root.collections:
            root.add_collection(Collection(collection))
        root.collections[collection].add_task(task, name=short)
    return root
