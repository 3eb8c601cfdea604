"""What stages would change: Ansible's check mode with its differences, run from a copy of the tree, and nothing else.

The tree that real runs use is left as it is, and so are the journal and the marks of stages.
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit.errors import MissingError
from labkit.k8s import changes, tree, unit
from labkit.k8s.events import Run, Task
from labkit.k8s.live import live
from labkit.line import stages
from labkit.session import Session

FOLDER = "/opt/lab/check"
NEEDED = ("os.bootstrap", "os.install")


def show(s: Session, names: Sequence[str]) -> None:
    """Print what each of these stages would change, machine by machine; a sentence where that cannot be known yet.

    Raises what the stages would refuse for (`changes`). In check mode nothing is done, so a stage whose predecessor is
    yet to be done may be told up to some task only.
    """
    lacking = _lacking(s)
    if lacking:
        s.output.print(f"what Ansible would change is known once the machines are installed: {lacking}", markup=False)
        return
    if set(names) & set(changes.STAGES):
        changes.refuse_early(s)
    tree.push(s, FOLDER)
    for name in names:
        if stages.PLAYBOOKS[name].machines(s.lab):
            try:
                run = _check(s, name)
            except MissingError as error:
                s.output.print(f"{name}: {error.problem}", markup=False)
                return
            s.output.print("\n".join(describe(name, run)), markup=False, soft_wrap=True)


def describe(name: str, run: Run) -> list[str]:
    """The lines about one stage: its tasks that would change something, where, and the differences."""
    changing = [task for task in run.tasks.values() if task.hosts("changed")]
    lines = [f"{name}: {'would change' if changing else 'nothing would change'}"]
    for task in changing:
        lines.append(f"    {task.name}: {' '.join(task.hosts('changed'))}")
        lines += [f"        {line}" for line in _differences(task)]
    lines += [f"    not told any further for {one.host}: {one.task}: {one.message}" for one in run.failures]
    return lines


def _differences(task: Task) -> list[str]:
    """Each difference once, after the machines that it is about where it is not about all that change."""
    machines: dict[str, list[str]] = {}
    for host, text in sorted(task.differences.items()):
        machines.setdefault(text, []).append(host)
    lines = []
    for text, hosts in machines.items():
        heading = [f"on {' '.join(hosts)}:"] if hosts != task.hosts("changed") else []
        lines += [*heading, *text.rstrip().splitlines()]
    return lines


def _lacking(s: Session) -> str | None:
    """Why nothing can be looked at, in one sentence."""
    for name in NEEDED:
        lacking = stages.missing(s, name)
        if lacking:
            return lacking
    what = unit.running(s)
    return f"{what.stage} is under way on the bootstrap server" if what else None


def _check(s: Session, name: str) -> Run:
    what = unit.start(s, f"{name}.check", [stages.PLAYBOOKS[name].playbook, "--check", "--diff"], folder=FOLDER)
    with live(s.console) as watcher:
        return unit.follow(s, what, lambda run, event: watcher.glance(run))
