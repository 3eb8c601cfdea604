"""What kind of task each task is: this decides how the executor treats it.

Tasks are known here by the name that a user types. A task's own name (`Task.name`) is that name with underscores,
because Invoke takes two tasks of equal name and equal code for one: `k8s_control_plane` is typed `k8s.control-plane`.
"""

from __future__ import annotations

from typing import Any

UMBRELLAS = frozenset({"lab.up", "lab.rebuild", "k8s.all", "nfs.all"})
"""Everything below them does its whole work, whether satisfied or not."""

STAGES = frozenset(
    {
        "hyperv.create", "os.bootstrap", "pxe.setup", "pxe.publish", "os.install",
        "k8s.bootstrap", "k8s.prepare", "k8s.control-plane", "k8s.cni", "k8s.join",
        "k8s.load-balancer", "nfs.server", "nfs.storage",
    }
)  # fmt: skip
"""They build the lab, converge, take no arguments and destroy nothing."""

PLAYBOOKS = frozenset(name for name in STAGES if name.startswith(("k8s.", "nfs.")))
"""The stages that Ansible does, which can show what they would change."""

DESTROYERS = frozenset(
    {
        "lab.discard", "lab.destroy", "hyperv.destroy", "hyperv.restore", "os.reinstall", "k8s.reset",
        "k8s.replace", "nfs.destroy-data",
    }
)  # fmt: skip
"""They ask for consent, and are typed alone."""

GOES_ON = {"lab.rebuild": ("lab.discard", "lab.up"), "k8s.replace": ("k8s.replace", "k8s.join")}
"""What destroys and builds again: once the first of the two is through, the second goes on, and destroys nothing."""

NETWORK = frozenset({"hyperv.switch"})
"""They change a PC's own network and ask for consent; they destroy nothing."""

POWER = frozenset({"lab.start", "lab.stop", "hyperv.start", "hyperv.stop"})
"""They change what runs, not what is."""

CHECKPOINTS = frozenset({"hyperv.checkpoint", "hyperv.forget"})
"""They change what can be gone back to, not what is."""

FILES = frozenset({"pxe.media"})
"""They put a file onto a PC, where none was."""

READING_VERBS = frozenset(
    {"cache-status", "check", "checkpoints", "plan", "status", "logs", "wait", "report", "screenshot", "watch"}
)


def typed_name(task: Any) -> str:
    """The name a user types for a task (or a call of one): `Task.name` with its first underscore as the dot."""
    collection, _, name = task.name.partition("_")
    return f"{collection}.{name.replace('_', '-')}"


def changes_the_lab(name: str) -> bool:
    """Whether the task of that name may change anything on the hosts or the machines."""
    return name in STAGES or name in UMBRELLAS or name in DESTROYERS or name in POWER | CHECKPOINTS | NETWORK | FILES


def asks(name: str) -> bool:
    """Whether it asks for consent; under `inv --dry` it shows what for, and ends there."""
    return name in DESTROYERS | NETWORK


def is_verification(name: str) -> bool:
    """Whether it proves something about the lab: it makes things there for a moment and removes them."""
    return name.startswith("verify.") and not only_reads(name)


def only_reads(name: str) -> bool:
    """Whether it may run under `inv --dry`, because it never changes anything."""
    return name.rpartition(".")[2] in READING_VERBS
